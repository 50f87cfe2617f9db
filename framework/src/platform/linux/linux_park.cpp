// Silence and sound: parking a session socket at give back, opening it at take, emptying it at both ends.
//
// The order is always: silence, then drain, so that nothing can arrive behind the drain; and at open: drain what came
// through a leak in between, then sound. A drain ends at EAGAIN and at nothing else: a zero-length datagram or a
// pending error is something to throw away, not the end.
#include "platform/linux/linux_block.hpp"
#include "platform/linux/os_failure.hpp"
#include "platform/linux/socket_options.hpp"

#include <netinet/udp.h>
#include <poll.h>

#include <cerrno>

namespace berth::platform {
namespace {

constexpr int strictest_ttl = 255;
constexpr int drain_limit = 1 << 20;  // a flood that outruns us is an error, not an endless loop

int set_minimum_ttl(system_calls& os, int fd, address_family family, int ttl) noexcept {
    int r = 0;
    if (family != address_family::ipv6) r = set_option(os, fd, IPPROTO_IP, option_min_ttl, ttl);
    if (r >= 0 && family != address_family::ipv4) r = set_option(os, fd, IPPROTO_IPV6, option_min_hop_count, ttl);
    return r;
}

}  // namespace

int linux_block::silence(std::uint32_t index, const port_sockets& port) noexcept {
    switch (methods_.park) {
        case park_method::none:
            return 0;
        case park_method::filter_map:
            filter_->park(index, port.cookie);
            return 0;
        case park_method::interface_tag:
            return set_option(os_, port.session, SOL_SOCKET, option_bind_to_ifindex, session_tag);
        default:  // minimum_ttl
            break;
    }
    return set_minimum_ttl(os_, port.session, request_.family, strictest_ttl);
}

int linux_block::unsilence(std::uint32_t index) noexcept {
    const auto& port = ports_[index];
    switch (methods_.park) {
        case park_method::none:
            return 0;
        case park_method::filter_map:
            filter_->open(index);
            return 0;
        case park_method::interface_tag:
            return dissolve(os_, port.session);  // clears the tag without privilege
        default:  // minimum_ttl
            break;
    }
    return set_minimum_ttl(os_, port.session, request_.family, 0);
}

int linux_block::drain_datagrams(int fd, std::uint32_t& discarded) noexcept {
    char sink[1];
    for (int i = 0; i < drain_limit; ++i) {
        const auto n = os_.recv(fd, sink, sizeof sink, MSG_DONTWAIT | MSG_TRUNC);
        if (n == -EAGAIN) return 0;
        if (n == -EBADF || n == -ENOTSOCK || n == -ENOMEM) return static_cast<int>(n);
        ++discarded;
    }
    return -EBUSY;
}

int linux_block::drain_error_queue(int fd, std::uint32_t& discarded) noexcept {
    msghdr message{};
    for (int i = 0; i < drain_limit; ++i) {
        const auto n = os_.recvmsg(fd, &message, MSG_DONTWAIT | MSG_ERRQUEUE);
        if (n == -EAGAIN) return 0;
        if (n < 0) return static_cast<int>(n);
        ++discarded;
    }
    return -EBUSY;
}

// One poll sees both queues and a pending error; asking each queue costs twice as much.
int linux_block::drain_both_queues(int fd, std::uint32_t& discarded) noexcept {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    int r = os_.poll(&waiting, 1, 0);
    if (r > 0) r = drain_datagrams(fd, discarded);
    if (r >= 0 && (waiting.revents & POLLERR) != 0) r = drain_error_queue(fd, discarded);
    return r;
}

// poll costs 0.2 us, an accept that finds nothing 1.5 us: ask first.
int linux_block::drain_accept_queue(int fd, std::uint32_t& discarded) noexcept {
    for (int i = 0; i < drain_limit; ++i) {
        pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
        if (const int r = os_.poll(&waiting, 1, 0); r <= 0) return r;
        if ((waiting.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return -ENOTCONN;  // listens no longer
        const int client = os_.accept(fd);
        if (client == -EAGAIN) return 0;
        if (client == -ECONNABORTED || client == -EPROTO || client == -EPERM || client == -EINTR) continue;
        if (client < 0) return client;
        // It has the listener's options, and with SO_LINGER a close would wait for whoever is at the other end.
        constexpr linger at_once{1, 0};
        os_.setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        os_.close(client);
        ++discarded;
    }
    return -EBUSY;
}

// A dual-stack socket that spoke IPv4 stays IPv4 after AF_UNSPEC; an IPv4 connect that must fail cures it.
int linux_block::reset_connection(int fd) noexcept {
    if (const int r = dissolve(os_, fd); r < 0) return r;
    if (request_.family == address_family::dual) {
        const auto nowhere = make_address(address_family::dual, asio::ip::address_v4::broadcast(), 9);
        os_.connect(fd, nowhere.data(), nowhere.size);  // fails with ENETUNREACH, and that is its purpose
        if (const int r = dissolve(os_, fd); r < 0) return r;
    }
    int pending = 0;
    return get_option(os_, fd, SOL_SOCKET, SO_ERROR, pending);
}

int linux_block::drain(int fd, std::uint32_t& discarded) noexcept {
    switch (request_.kind) {
        case port_kind::udp:
            return drain_datagrams(fd, discarded);
        case port_kind::tcp_listen:
            return drain_accept_queue(fd, discarded);
        case port_kind::tcp_connect:
            break;
    }
    return dissolve(os_, fd);
}

error_code linux_block::open(std::uint32_t index, std::uint32_t& discarded) noexcept {
    if (const int r = drain(ports_[index].session, discarded); r < 0) return code_of(r);
    if (const int r = unsilence(index); r < 0) return code_of(r);
    return {};
}

// A descriptor that was in other hands may have been closed, and its number given to another file. If the kernel does
// not say whose it is, it counts as ours: a socket that is let go by mistake names its port for ever.
bool linux_block::still_ours(std::uint32_t index) noexcept {
    std::uint64_t cookie = 0;
    const int r = cookie_of(os_, ports_[index].session, cookie);
    return r >= 0 ? cookie == ports_[index].cookie : r != -EBADF && r != -ENOTSOCK;
}

park_result linux_block::park(std::uint32_t index, bool lent) noexcept {
    auto& port = ports_[index];
    park_result out;
    if (lent && !still_ours(index)) {  // not ours to touch, let alone to close
        port.session = -1;
        out.condemned = true;
        return out;
    }
    const int fd = port.session;
    int r = 0;
    if (is_udp()) {
        r = set_option(os_, fd, IPPROTO_UDP, UDP_CORK, 0);  // sends what MSG_MORE held back: it is this session's
        if (r >= 0 && lent) r = dissolve(os_, fd);          // a caller's connect, a caller's device
    }
    if (r >= 0 && request_.kind == port_kind::tcp_connect) r = reset_connection(fd);
    if (r >= 0 && lent && audit_->restore(os_, fd, port_at(index), port.cookie) == verdict::condemned) r = -EINVAL;
    if (r >= 0) r = silence(index, port);
    if (r >= 0 && is_udp()) r = drain_both_queues(fd, out.discarded);
    if (r >= 0 && is_listener()) r = drain_accept_queue(fd, out.discarded);
    out.condemned = r < 0;
    if (out.condemned) silence(index, port);
    return out;
}

std::uint32_t linux_block::heard(std::uint32_t index) noexcept {
    std::uint32_t total = 0;
    for (const int fd : {ports_[index].session, holder_of(index)}) {
        std::uint32_t figures[meminfo_words] = {};
        socklen_t size = sizeof figures;
        if (fd >= 0 && os_.getsockopt(fd, SOL_SOCKET, option_meminfo, figures, &size) >= 0) total += figures[meminfo_drops];
    }
    if (methods_.park == park_method::interface_tag) {
        drain_datagrams(holder_of(index), fell_to_holder_[index]);
        total += fell_to_holder_[index];
    }
    return total;
}

}  // namespace berth::platform
