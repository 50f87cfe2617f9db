// The binds of a block: its sockets, UDP's order of calls, and rolling one port back. TCP's: linux_hold_tcp.cpp.
//
// UDP: holder plain bind; both sockets tagged with interfaces, which need not exist; session bind; dissolving clears
// the holder's tag. Only a device-bound intruder can enter meanwhile, and the closing check finds it.
// TCP session sockets keep SO_REUSEADDR on, the holder never does: else their TIME_WAITs block the next reserve.
#include "platform/linux/linux_block.hpp"
#include "platform/linux/os_failure.hpp"
#include "platform/linux/socket_options.hpp"

#include <algorithm>
#include <cerrno>

namespace berth::platform {

int linux_block::session_family() const noexcept {
    return request_.family == address_family::ipv4 ? AF_INET : AF_INET6;
}

// A holder is dual-stack; split by family it is two sockets that do not overlap.
int linux_block::family_of(part p) const noexcept {
    if (p == part::holder && !methods_.splits_holders) return methods_.has_ipv6 ? AF_INET6 : AF_INET;
    if (p == part::other_holder) return session_family() == AF_INET ? AF_INET6 : AF_INET;
    return session_family();
}

int linux_block::make_socket(part p) noexcept {
    const int type = (is_udp() ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const int family = family_of(p);
    const int fd = os_.socket(family, type, 0);
    if (fd < 0) return fd;
    int r = 0;
    if (family != AF_INET) {
        const bool only_ipv6 = p == part::session ? request_.family == address_family::ipv6 : methods_.splits_holders;
        r = set_option(os_, fd, IPPROTO_IPV6, IPV6_V6ONLY, only_ipv6);
    }
    if (r >= 0 && p == part::session && !request_.device.empty()) r = bind_to_device(os_, fd, request_.device);
    if (r >= 0) return fd;
    os_.close(fd);
    return r;
}

// A session socket that is silent from birth where a filter map does the parking.
int linux_block::make_session(std::uint32_t index, port_sockets& port) noexcept {
    const int fd = make_socket(part::session);
    if (fd < 0) return fd;
    std::uint64_t cookie = 0;
    int r = cookie_of(os_, fd, cookie);
    if (r >= 0 && filter_) {
        filter_->park(index, cookie);
        r = filter_->attach(fd);
    }
    if (r < 0) {
        os_.close(fd);
        return r;
    }
    port.session = fd;
    port.cookie = cookie;
    return 0;
}

int linux_block::bind_session(int fd, std::uint16_t port) noexcept {
    const auto address = make_address(request_.family, request_.address, port);
    return os_.bind(fd, address.data(), address.size);
}

int linux_block::bind_holder(int fd, std::uint16_t port, part p) noexcept {
    const auto address = make_holder_address(family_of(p) == AF_INET6, port);
    return os_.bind(fd, address.data(), address.size);
}

int linux_block::hold_udp_by_tags(std::uint32_t index, port_sockets& port) noexcept {
    if ((port.holder = make_socket(part::holder)) < 0) return port.holder;
    int r = bind_holder(port.holder, port_at(index), part::holder);
    if (r < 0) return r;
    if ((r = make_session(index, port)) < 0) return r;
    if ((r = set_option(os_, port.holder, SOL_SOCKET, option_bind_to_ifindex, holder_tag)) < 0) return r;
    if ((r = set_option(os_, port.session, SOL_SOCKET, option_bind_to_ifindex, birth_tag())) < 0) return r;
    if ((r = bind_session(port.session, port_at(index))) < 0) return r;
    if ((r = untag_session(port.session)) < 0) return r;
    if ((r = dissolve(os_, port.holder)) < 0) return r;
    // What falls to the holder while the session socket is parked must not pile up there.
    return set_option(os_, port.holder, SOL_SOCKET, SO_RCVBUF, 0);
}

// One IPv6 address can be bound on an interface that exists alone (ENODEV): any will do but for a link-local one, as
// long as it is not the holder's tag.
int linux_block::birth_tag() const noexcept {
    if (!request_.address.is_v6() || request_.address.is_unspecified()) return session_tag;
    const auto scope = request_.address.to_v6().scope_id();
    return scope != 0 ? static_cast<int>(scope) : loopback_interface;
}

// Where the tag is the way to park, the session socket is parked already, if it is that tag.
int linux_block::untag_session(int fd) noexcept {
    const bool parks = methods_.park == park_method::interface_tag;
    if (parks && birth_tag() == session_tag) return 0;
    const int r = dissolve(os_, fd);
    return r < 0 || !parks ? r : set_option(os_, fd, SOL_SOCKET, option_bind_to_ifindex, session_tag);
}

int linux_block::hold_one(std::uint32_t index, port_sockets& port) noexcept {
    switch (methods_.hold) {
        case hold_method::repair: return hold_tcp_by_repair(index, port);
        case hold_method::reuse_toggle: return hold_tcp_by_toggle(index, port);
        default: break;  // interface_tags
    }
    return hold_udp_by_tags(index, port);
}

int linux_block::hold_next() noexcept {
    port_sockets port;
    const std::uint32_t index = held();
    const int r = request_.over         ? take_over_one(index, port)
                  : is_inherited(index) ? adopt_one(index, port)
                                        : hold_one(index, port);
    if (r < 0) {
        close_all(index, port);
    } else {
        ports_.push_back(port);
    }
    return r;
}

void linux_block::hold(std::uint32_t most, failure& f) {
    while (most != 0 && held() < indices()) {
        const std::uint32_t before = held();
        const int r = sessions() > 1 ? hold_several() : hold_next();
        if (r < 0) {
            const std::uint16_t number = port_at(held());
            f = port_failure(r, is_udp() ? "UDP" : "TCP", number, r == -EADDRINUSE ? who_has(number) : "");
            return;
        }
        most -= std::min(most, held() - before);
    }
}

void linux_block::close_all(std::uint32_t index, port_sockets& port) noexcept {
    if (port.session >= 0) os_.close(port.session);
    if (port.holder >= 0) os_.close(port.holder);
    port.session = port.holder = -1;
    if (other_holders_.empty() || other_holders_[index] < 0) return;
    os_.close(other_holders_[index]);
    other_holders_[index] = -1;
}

}  // namespace berth::platform
