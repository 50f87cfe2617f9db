// Linux as a port_provider: what this kernel and these privileges allow, and blocks made accordingly.
//
// Facts are found by asking the kernel, never by version. With fewer rights the next order of calls and the next way
// to park is taken, and `capabilities` says which and what that leaves open.
#include "platform/linux/linux_provider.hpp"

#include "platform/linux/linux_block.hpp"
#include "platform/linux/os_failure.hpp"
#include "platform/linux/socket_options.hpp"

#include <cerrno>

namespace berth::platform {
namespace {

constexpr std::uint32_t spare_descriptors = 16;  // the closing check, the filter, a caller's next accept

bool may_repair(system_calls& os) noexcept {
    const int fd = os.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const bool allowed = set_option(os, fd, IPPROTO_TCP, option_tcp_repair, 1) >= 0;
    os.close(fd);
    return allowed;
}

bool kernel_has_ipv6(system_calls& os) noexcept {
    const int fd = os.socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) os.close(fd);
    return fd != -EAFNOSUPPORT;
}

park_method choose_parking(const hold_request& request, bool filter_permitted) noexcept {
    if (request.kind == port_kind::tcp_connect) return park_method::none;
    if (filter_permitted && (request.park == parking::best || request.over)) return park_method::filter_map;
    return request.kind == port_kind::tcp_listen ? park_method::minimum_ttl : park_method::interface_tag;
}

failure refused(errc code, std::string what) {
    failure f;
    f.code = code;
    f.what = std::move(what);
    return f;
}

// Early and clear: how many descriptors there are, how many are used, how many a block of this size needs.
failure check_descriptors(system_calls& os, const hold_request& request, unsigned each) {
    std::uint64_t soft = 0, hard = 0, open = 0;
    if (os.descriptor_limit(soft, hard) < 0 || os.count_descriptors(open) < 0) return {};
    const std::uint32_t count = request.block.count;
    const std::uint64_t needed = std::uint64_t{each} * count + spare_descriptors;
    if (open + needed <= soft) return {};
    const std::string sessions =
        request.sessions_per_port == 1
            ? ""
            : " with " + std::to_string(request.sessions_per_port) + " session sockets each (sessions_per_port)";
    auto f = refused(errc::too_many_files,
                     std::to_string(count) + " ports" + sessions + " need " + std::to_string(needed) + " descriptors, " +
                         std::to_string(open) + " are open and RLIMIT_NOFILE allows " + std::to_string(soft) +
                         " (hard limit " + std::to_string(hard) +
                         "); raise it (ulimit -n, LimitNOFILE=) or reserve fewer ports");
    f.count = count;
    return f;
}

// Bound once and at once closed: is the address one of this machine's, and the family there at all?
failure check_address(system_calls& os, const hold_request& request) {
    const int family = request.family == address_family::ipv4 ? AF_INET : AF_INET6;
    const int type = (request.kind == port_kind::udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC;
    const int fd = os.socket(family, type, 0);
    if (fd == -EAFNOSUPPORT) {
        return refused(errc::family_mismatch, "this kernel has no IPv6; ask for address_family::ipv4");
    }
    if (fd < 0) return port_failure(fd, "the socket that checks the address", 0);
    const auto address = make_address(request.family, request.address, 0);
    const int r = os.bind(fd, address.data(), address.size);
    os.close(fd);
    if (r == -EADDRNOTAVAIL || r == -EINVAL) {
        return refused(errc::address_mismatch, request.address.to_string() +
                                                   " is not a local address of this machine (or it lacks a scope); "
                                                   "leave it unspecified for all addresses");
    }
    return {};
}

failure check_device(system_calls& os, const hold_request& request) {
    if (request.device.empty()) return {};
    const int fd = os.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return port_failure(fd, "the socket that checks the device", 0);
    const int r = bind_to_device(os, fd, request.device);
    os.close(fd);
    if (r >= 0) return {};
    return refused(r == -EPERM ? errc::permission_denied : errc::invalid_argument,
                   "device '" + request.device + "': " + std::generic_category().message(-r) +
                       "; it is the name of an interface of this network namespace, as `ip link` lists them");
}

}  // namespace

linux_provider::linux_provider(system_calls& os) noexcept : os_(os) {}

capabilities linux_provider::facts(parking preference) {
    capabilities c;
    c.provider = "linux";
    c.can_reserve = c.can_hand_over = true;
    c.check_sees_bound_sockets = dump_sees_bound_sockets(os_);
    const bool filter = preference == parking::best && park_filter::permitted(os_);
    hold_request request{.park = preference};
    c.park_udp = choose_parking(request, filter);
    request.kind = port_kind::tcp_listen;
    c.park_tcp_listen = choose_parking(request, filter);
    c.hold_tcp = may_repair(os_) ? hold_method::repair : hold_method::reuse_toggle;
    std::uint64_t hard = 0;
    os_.descriptor_limit(c.descriptor_limit, hard);
    c.kernel_bytes_per_tcp_port = 2 * 3900;
    c.kernel_bytes_per_udp_port = 2 * 2600;
    describe_limits(c);
    return c;
}

void linux_provider::describe_limits(capabilities& c) {
    c.limits.emplace_back("a process with CAP_NET_ADMIN can bind over any port with TCP_REPAIR");
    c.limits.emplace_back("a process that can open our descriptors (ptrace, pidfd_getfd) can use our sockets");
    c.limits.emplace_back(
        "a forked child that does not exec keeps copies of the sockets: a port stays ours, also after release, until the "
        "child ends, execs or destroys its copy of the reservation");
    c.limits.emplace_back(
        "a copy of a session socket in another process (fork without exec, SCM_RIGHTS) is not seen: it can hear and "
        "use the next session's socket");
    c.limits.emplace_back(
        "a TCP client whose handshake began in one session and ends in the next is a client of the next");
    if (c.hold_tcp == hold_method::reuse_toggle) {
        c.limits.emplace_back(
            "without CAP_NET_ADMIN a TCP port can be entered by SO_REUSEADDR sockets for about 0.8 us while reserve "
            "binds it (1 us more for each further session socket); the closing check finds them and reserve fails");
        c.limits.emplace_back(
            "without CAP_NET_ADMIN, while a condemned listener on one address is renewed, a SO_REUSEPORT socket on "
            "another address can enter for less than 1 us and leave, and its uid can bind that port again later");
    }
    if (!c.check_sees_bound_sockets) {
        c.limits.emplace_back(
            "this kernel does not list TCP sockets that are bound but neither listen nor connect: the closing check "
            "of TCP blocks cannot see those");
    }
    c.limits.emplace_back(
        "while a UDP block is reserved, a device-bound socket can enter a port for about 1 us; the closing check "
        "finds it and reserve fails");
    if (c.park_tcp_listen == park_method::minimum_ttl) {
        c.limits.emplace_back(
            "without CAP_BPF a parked listener still queues clients that send with TTL 255; they are discarded at "
            "the next take");
    }
    if (!kernel_has_ipv6(os_)) {
        c.limits.emplace_back("this kernel has no IPv6: dual-stack blocks are IPv4 alone, and holders are IPv4 sockets");
    }
    error_code ec;
    if (network_namespace(ec) == 0 && !ec) {
        c.limits.emplace_back(
            "network namespaces cannot be told apart here (SO_NETNS_COOKIE, Linux 5.14): associate does not refuse a "
            "socket of another one, and bind makes it one of the block's");
    }
    std::string cookies;
    if (os_.read_file("/proc/sys/net/ipv4/tcp_syncookies", cookies) >= 0 && cookies.starts_with('0')) {
        c.limits.emplace_back(
            "net.ipv4.tcp_syncookies is 0: a flood of SYNs fills a listener's queue and keeps honest clients out; set it "
            "to 1");
    }
}

// The sockets are there: their form says how they were held, and what came along says how they are parked.
std::unique_ptr<held_block> linux_provider::prepare_coming(const hold_request& request, failure& f) {
    linux_methods methods;
    methods.has_ipv6 = kernel_has_ipv6(os_);
    methods.hold = request.kind == port_kind::udp ? hold_method::interface_tags
                   : may_repair(os_)              ? hold_method::repair
                                                  : hold_method::reuse_toggle;
    methods.splits_holders = request.inherited.front().other_holder >= 0;
    const auto [table, program] = request.over->parking;
    std::unique_ptr<park_filter> filter;
    if (table >= 0) {
        int error = 0;
        filter = park_filter::share(os_, static_cast<int>(table), static_cast<int>(program), request.block.count,
                                    error);
        if (!filter) {
            f = refused(errc::system_failure, "the filter that parks the ports cannot be shared (" +
                                                  std::generic_category().message(-error) +
                                                  "); reserve with parking::system_calls");
            return nullptr;
        }
    }
    methods.park = choose_parking(request, filter != nullptr);
    return std::make_unique<linux_block>(os_, request, methods, std::move(filter));
}

std::unique_ptr<held_block> linux_provider::prepare(const hold_request& request, failure& f) {
    if (request.over) return prepare_coming(request, f);
    if ((f = check_address(os_, request))) return nullptr;
    if ((f = check_device(os_, request))) return nullptr;
    linux_methods methods;
    methods.has_ipv6 = kernel_has_ipv6(os_);
    methods.hold = request.kind == port_kind::udp ? hold_method::interface_tags
                   : may_repair(os_)              ? hold_method::repair
                                                  : hold_method::reuse_toggle;
    methods.splits_holders = methods.hold == hold_method::reuse_toggle && request.kind == port_kind::tcp_listen &&
                             request.family != address_family::dual && methods.has_ipv6;
    if ((f = check_descriptors(os_, request, (methods.splits_holders ? 2 : 1) + request.sessions_per_port))) return nullptr;
    std::unique_ptr<park_filter> filter;
    if (request.kind != port_kind::tcp_connect && request.park == parking::best && request.inherited.empty()) {
        int ignored = 0;  // whatever the reason, the table of system calls is next, and capabilities say so
        filter = park_filter::load(os_, request.block.first, request.block.count, ignored);
    }
    methods.park = choose_parking(request, filter != nullptr);
    return std::make_unique<linux_block>(os_, request, methods, std::move(filter));
}

std::uint64_t linux_provider::network_namespace(error_code& ec) noexcept {
    ec = {};
    const int fd = os_.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return ec = code_of(fd), 0;
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    const int r = os_.getsockopt(fd, SOL_SOCKET, option_netns_cookie, &cookie, &size);
    os_.close(fd);
    if (r >= 0) return cookie;
    if (r != -ENOPROTOOPT) ec = code_of(r);
    return 0;  // before Linux 5.14 they have no names, of sockets neither
}

bool linux_provider::lacks_ipv6() noexcept { return !kernel_has_ipv6(os_); }

std::unique_ptr<held_block> linux_provider::prepare_share(const hold_request& request, failure& f) {
    f = {};
    linux_methods methods;
    methods.is_share = true;
    methods.has_ipv6 = kernel_has_ipv6(os_);
    methods.park = choose_parking(request, false);
    return std::make_unique<linux_block>(os_, request, methods, nullptr);
}

}  // namespace berth::platform
