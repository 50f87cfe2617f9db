// Every bind of a block: the order of calls per port, and rolling one port back.
//
// Orders (best first; measured, see ARCHITECTURE.md):
//  repair   session plain bind (and listen); then the holder binds over it under TCP_REPAIR. Nobody can enter at any
//           point of a dual-stack block; for other families the closing check covers the families not yet held.
//  toggle   holder plain bind; both SO_REUSEADDR; session bind (and listen); holder SO_REUSEADDR off: 0.8 us window.
//  tags     UDP: holder plain bind; both sockets tagged with interfaces that do not exist; session bind; dissolving
//           clears the tags. Only a device-bound intruder can enter meanwhile.
// TCP session sockets keep SO_REUSEADDR on, the holder never does: else their TIME_WAITs block the next reserve.
#include "platform/linux/linux_block.hpp"
#include "platform/linux/os_failure.hpp"
#include "platform/linux/socket_options.hpp"

#include <netinet/tcp.h>

#include <cerrno>

namespace berth::platform {

int linux_block::session_family() const noexcept {
    return request_.family == address_family::ipv4 ? AF_INET : AF_INET6;
}

int linux_block::make_socket(bool is_holder) noexcept {
    const int type = (is_udp() ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const int family = is_holder ? (methods_.has_ipv6 ? AF_INET6 : AF_INET) : session_family();
    const int fd = os_.socket(family, type, 0);
    if (fd < 0 || family == AF_INET) return fd;
    const bool only_ipv6 = !is_holder && request_.family == address_family::ipv6;
    if (const int r = set_option(os_, fd, IPPROTO_IPV6, IPV6_V6ONLY, only_ipv6); r < 0) {
        os_.close(fd);
        return r;
    }
    return fd;
}

// A session socket that is silent from birth where a filter map does the parking.
int linux_block::make_session(std::uint32_t index, port_sockets& port) noexcept {
    const int fd = make_socket(false);
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

int linux_block::bind_holder(int fd, std::uint16_t port) noexcept {
    const auto address = make_holder_address(methods_.has_ipv6, port);
    return os_.bind(fd, address.data(), address.size);
}

int linux_block::hold_tcp_by_repair(std::uint32_t index, port_sockets& port) noexcept {
    int r = make_session(index, port);
    if (r < 0) return r;
    r = bind_session(port.session, port_at(index));
    if (r == -EADDRINUSE) {  // perhaps only TIME_WAITs of a predecessor: they give way to SO_REUSEADDR
        r = set_option(os_, port.session, SOL_SOCKET, SO_REUSEADDR, 1);
        if (r >= 0) r = bind_session(port.session, port_at(index));
    }
    if (r >= 0 && is_listener()) r = silence(index, port);
    if (r >= 0 && is_listener()) r = os_.listen(port.session, request_.backlog);
    if (r < 0) return r;
    if ((port.holder = make_socket(true)) < 0) return port.holder;
    if ((r = set_option(os_, port.holder, IPPROTO_TCP, option_tcp_repair, 1)) < 0) return r;
    if ((r = bind_holder(port.holder, port_at(index))) < 0) return r;
    if ((r = set_option(os_, port.holder, IPPROTO_TCP, option_tcp_repair, 0)) < 0) return r;
    return set_option(os_, port.session, SOL_SOCKET, SO_REUSEADDR, 1);
}

int linux_block::hold_tcp_by_toggle(std::uint32_t index, port_sockets& port) noexcept {
    int r = make_session(index, port);
    if (r < 0) return r;
    if ((r = set_option(os_, port.session, SOL_SOCKET, SO_REUSEADDR, 1)) < 0) return r;
    if (is_listener() && (r = silence(index, port)) < 0) return r;
    if ((port.holder = make_socket(true)) < 0) return port.holder;
    r = bind_holder(port.holder, port_at(index));
    if ((r < 0 && r != -EADDRINUSE)) return r;
    const bool bound = r >= 0;
    if ((r = set_option(os_, port.holder, SOL_SOCKET, SO_REUSEADDR, 1)) < 0) return r;
    if (!bound && (r = bind_holder(port.holder, port_at(index))) < 0) return r;
    r = bind_session(port.session, port_at(index));
    if (r >= 0 && is_listener()) r = os_.listen(port.session, request_.backlog);
    const int off = set_option(os_, port.holder, SOL_SOCKET, SO_REUSEADDR, 0);
    return r < 0 ? r : off;
}

int linux_block::hold_udp_by_tags(std::uint32_t index, port_sockets& port) noexcept {
    if ((port.holder = make_socket(true)) < 0) return port.holder;
    int r = bind_holder(port.holder, port_at(index));
    if (r < 0) return r;
    if ((r = make_session(index, port)) < 0) return r;
    if ((r = set_option(os_, port.holder, SOL_SOCKET, option_bind_to_ifindex, holder_tag)) < 0) return r;
    if ((r = set_option(os_, port.session, SOL_SOCKET, option_bind_to_ifindex, session_tag)) < 0) return r;
    if ((r = bind_session(port.session, port_at(index))) < 0) return r;
    if ((r = untag_session(port.session)) < 0) return r;
    if ((r = dissolve(os_, port.holder)) < 0) return r;
    // What falls to the holder while the session socket is parked must not pile up there.
    return set_option(os_, port.holder, SOL_SOCKET, SO_RCVBUF, 0);
}

// Where the tag is the way to park, the session socket is parked already.
int linux_block::untag_session(int fd) noexcept {
    return methods_.park == park_method::interface_tag ? 0 : dissolve(os_, fd);
}

int linux_block::hold_one(std::uint32_t index, port_sockets& port) noexcept {
    switch (methods_.hold) {
        case hold_method::repair: return hold_tcp_by_repair(index, port);
        case hold_method::reuse_toggle: return hold_tcp_by_toggle(index, port);
        case hold_method::interface_tags: break;
    }
    return hold_udp_by_tags(index, port);
}

void linux_block::hold(std::uint32_t most, failure& f) {
    for (; most != 0 && held() < request_.block.count; --most) {
        port_sockets port;
        const std::uint32_t index = held();
        const int r = hold_one(index, port);
        if (r < 0) {
            close_both(port);
            const std::uint16_t number = port_at(index);
            f = port_failure(r, is_udp() ? "UDP" : "TCP", number, r == -EADDRINUSE ? who_has(number) : "");
            return;
        }
        ports_.push_back(port);
    }
}

void linux_block::close_both(port_sockets& port) noexcept {
    if (port.session >= 0) os_.close(port.session);
    if (port.holder >= 0) os_.close(port.holder);
    port.session = port.holder = -1;
}

}  // namespace berth::platform
