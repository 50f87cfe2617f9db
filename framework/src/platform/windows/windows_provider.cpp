// Windows as a port_provider; see windows_provider.hpp.
#include "platform/windows/windows_provider.hpp"

#include "platform/windows/runtime_reservation.hpp"
#include "platform/windows/windows_block.hpp"
#include "platform/windows/winsock_address.hpp"
#include "platform/windows/winsock_failure.hpp"

namespace berth::platform {
namespace {

// The documents say Windows Vista. msquic, the one large user, found reservations unsafe before this build (Windows
// 10 1809, Server 2019); berth follows that, and capabilities say so.
constexpr std::uint32_t first_safe_build = 17763;
constexpr DWORD patience = 500;                  // milliseconds, twice
constexpr std::uint64_t handle_limit = 1 << 24;  // a process's, Windows' own
constexpr const char* of_protocol[] = {"UDP: ", "TCP: "};

void add_limits_of_both_ways(capabilities& c, const completion_exit& leaving) {
    auto& limits = c.limits;
    limits.emplace_back(
        "a parked socket is not silent: what comes for it waits in the system, up to a receive buffer or backlog a "
        "port, and is thrown away at take; clients of a parked listener are accepted by the system and then reset");
    limits.emplace_back(
        "a UDP socket that was lent (native_handle, Asio's own sockets) is replaced at give back, because Windows "
        "does not show its memberships and modes; so is a TCP socket that connected");
    limits.emplace_back("UDP sockets of a block never report that a datagram could not be delivered");
    limits.emplace_back(
        "datagrams for which a UDP socket had no room are counted for the whole system alone: overflowed() does not "
        "know them");
    limits.emplace_back(
        "the closing check sees UDP sockets and TCP sockets that listen or are connected, of other "
        "processes; not TCP sockets that are bound and no more");
    limits.emplace_back(
        "a socket that was associated and closed without bind is kept until the next call that "
        "associates, binds or names a socket");
    if (leaving.can_leave) return;
    limits.emplace_back(leaving.can_tell
                            ? "this system never takes a socket off a completion port: a session socket that was on "
                              "one is replaced at give back"
                            : "this system neither takes a socket off a completion port nor tells whether it is on "
                              "one: every session socket is replaced at give back");
}

}  // namespace

windows_provider::grant windows_provider::ask_for_one(bool tcp) {
    const std::uint32_t build = os_.build();
    if (build < first_safe_build) {
        return {.why_not = "this is build " + std::to_string(build) + ", and reservations are used from build " +
                           std::to_string(first_safe_build) + " (Windows 10 1809) on"};
    }
    runtime_reservation attempt(os_, AF_INET, tcp);
    int r = attempt.acquire({.first = 0, .count = 1}, patience);
    if (r == -WSA_IO_PENDING) r = attempt.acquire({.first = 0, .count = 1}, patience);
    if (r >= 0) return {.is_given = true};
    const bool is_settled = r == -WSAEOPNOTSUPP || r == -WSAEINVAL || r == -WSAEACCES;
    const auto said = r == -WSA_IO_PENDING ? std::string("nothing for a second") : name_of_error(r);
    return {.is_settled = is_settled, .error = r, .why_not = "SIO_ACQUIRE_PORT_RESERVATION says " + said};
}

windows_provider::grant windows_provider::reservations(bool tcp) {
    const std::lock_guard lock(asking_);
    auto& known = grants_[tcp ? 1 : 0];
    if (known) return *known;
    auto found = ask_for_one(tcp);
    if (found.is_settled) known = std::make_unique<grant>(found);
    return found;
}

const completion_exit& windows_provider::leaving() noexcept {
    static constexpr completion_exit unknown{};
    const std::lock_guard lock(asking_);
    if (!leaving_) leaving_.reset(new (std::nothrow) completion_exit(completion_exit::find(os_)));
    return leaving_ ? *leaving_ : unknown;
}

capabilities windows_provider::facts(parking) {
    capabilities c;
    c.can_reserve = true;
    c.park_udp = c.park_tcp_listen = park_method::emptied;
    c.parked_listener_is_silent = false;
    c.descriptor_limit = handle_limit;
    c.descriptors_per_port = 1;
    bool any_fallback = false;
    for (const bool tcp : {false, true}) {
        const auto granted = reservations(tcp);
        (tcp ? c.hold_tcp : c.hold_udp) =
            granted.is_given ? hold_method::runtime_reservation : hold_method::exclusive_bind;
        if (granted.is_given) continue;
        any_fallback = true;
        c.limits.push_back(
            std::string(of_protocol[tcp ? 1 : 0]) +
            "ports are held by exclusive sockets, not by the system's reservations: " + granted.why_not);
    }
    c.provider = any_fallback ? "windows (exclusive binds)" : "windows (port reservations)";
    if (any_fallback) {
        c.descriptors_per_port = 3;
        c.limits.emplace_back(
            "while a session socket is replaced its port is free for as long as a close and a bind "
            "take, and whoever binds it then keeps it: the port stays condemned until he lets go");
        c.limits.emplace_back("a block on one address keeps others off that address only");
    } else {
        c.limits.emplace_back("a port of a block is the system's again when all of the block is");
        c.limits.emplace_back(
            "if another socket of the block is closed while a caller's own is being bound, that bind "
            "can fail with the caller's socket spent");
    }
    add_limits_of_both_ways(c, leaving());
    return c;
}

failure windows_provider::check_address(const hold_request& request) {
    const int family = request.family == address_family::ipv4 ? AF_INET : AF_INET6;
    const native_socket s = os_.socket(family, SOCK_STREAM, IPPROTO_TCP);  // Wine binds UDP sockets to any address
    if (s < 0) {
        return {code_of(s), "a socket of the block's family cannot be made: " + name_of_error(s), 0, 0};
    }
    int r =
        family == AF_INET6 ? set_flag(os_, s, IPPROTO_IPV6, IPV6_V6ONLY, request.family == address_family::ipv6) : 0;
    const auto address = make_address(family, request.address, 0);
    if (r >= 0 && !request.address.is_unspecified()) r = os_.bind(s, address.data(), address.size);
    os_.close(s);
    if (r >= 0) return {};
    return {code_of(r),
            request.address.to_string() + " is not one of this machine's addresses (" + name_of_error(r) +
                "); leave the address unspecified, or name a local one",
            0, 0};
}

std::unique_ptr<held_block> windows_provider::prepare(const hold_request& request, failure& f) {
    f = {};
    if (request.over || !request.inherited.empty()) {
        f = {errc::operation_not_supported, "sockets do not pass between processes on Windows", 0, 0};
        return nullptr;
    }
    if (request.sessions_per_port != 1) {
        f = {errc::operation_not_supported,
             "sessions_per_port is " + std::to_string(request.sessions_per_port) +
                 "; Windows binds one socket to a reserved port: ask for 1",
             0, 0};
        return nullptr;
    }
    if (!request.device.empty()) {
        f = {errc::operation_not_supported,
             "device is '" + request.device + "'; Windows binds sockets to addresses alone: ask for the interface's", 0, 0};
        return nullptr;
    }
    if ((f = check_address(request))) return nullptr;
    windows_methods methods;
    const auto granted = reservations(request.kind != port_kind::udp);
    if (!granted.is_settled) {
        f = {code_of(granted.error),
             "whether Windows grants reservations cannot be found out now: " + granted.why_not, 0, 0};
        return nullptr;
    }
    methods.is_native = granted.is_given;
    if (request.drawn_from != 0 && !granted.is_given) {
        f = {errc::operation_not_supported,
             "ports are drawn from persistent blocks by the system alone: " + granted.why_not, 0, 0};
        return nullptr;
    }
    methods.keeps_other_family = !methods.is_native && request.family != address_family::dual;
    methods.leaving = leaving();
    methods.watch = &watch_;
    return std::make_unique<windows_block>(os_, identities_, request, methods);
}

}  // namespace berth::platform
