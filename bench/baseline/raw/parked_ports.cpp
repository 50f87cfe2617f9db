// See parked_ports.hpp.
#include "baseline/raw/parked_ports.hpp"

#include "baseline/raw/sockets.hpp"
#include "platform/linux/socket_dump.hpp"

#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>

#include <stdexcept>

namespace berth::bench::raw {
namespace {

constexpr int bind_to_ifindex = 62, min_ttl = 21, so_cookie = 57;

bool bind_wildcard_ipv6(int fd, std::uint16_t port) noexcept {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool dissolve(int fd) noexcept {
    const sockaddr unspecified{.sa_family = AF_UNSPEC, .sa_data = {}};
    return ::connect(fd, &unspecified, sizeof unspecified) == 0;
}

/// Asked once: probing the system is no part of the calls that are compared.
bool may_repair() {
    static const bool allowed = query_capabilities().hold_tcp == hold_method::repair;
    return allowed;
}

}  // namespace

parked_ports::parked_ports(port_block block, protocol p, parking park)
    : block_(block), transport_(p), repair_(may_repair()) {
    if (park == parking::best) {
        int error = 0;
        filter_ = platform::park_filter::load(platform::linux_calls(), block.first, block.count, error);
        if (!filter_) throw std::runtime_error("needs CAP_BPF");
    }
    ports_.resize(block.count);
    for (std::uint32_t i = 0; i < block.count; ++i)
        if (!(p == protocol::udp ? hold_udp(i, ports_[i]) : hold_tcp(i, ports_[i])))
            throw std::runtime_error("a port of the bare baseline could not be held");
}

parked_ports::~parked_ports() {
    for (const pair& port : ports_) {
        if (port.session >= 0) ::close(port.session);
        if (port.holder >= 0) ::close(port.holder);
        if (port.other >= 0) ::close(port.other);
    }
}

void parked_ports::check_alone() const {
    for (int look = transport_ == protocol::tcp ? 3 : 1; look > 0; --look) look_once();
}

void parked_ports::look_once() const {
    std::vector<platform::socket_row> rows;
    if (platform::dump_sockets(platform::linux_calls(), transport_ == protocol::tcp, block_.first, block_.count,
                               rows) < 0)
        throw std::runtime_error("the closing check of the bare baseline was refused");
    for (const auto& row : rows) {
        const pair& port = ports_[row.port - block_.first];
        std::uint64_t holder = 0;
        socklen_t size = sizeof holder;
        if (row.cookie != port.cookie) ::getsockopt(port.holder, SOL_SOCKET, so_cookie, &holder, &size);
    }
}

bool parked_ports::make_holder(pair& port) noexcept {
    const int type = (transport_ == protocol::udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    port.holder = ::socket(AF_INET6, type, 0);
    return port.holder >= 0 && set_option(port.holder, IPPROTO_IPV6, IPV6_V6ONLY, 0);
}

bool parked_ports::make_session(std::uint32_t index, pair& port) noexcept {
    const int type = (transport_ == protocol::udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    port.session = ::socket(AF_INET, type, 0);
    socklen_t size = sizeof port.cookie;
    if (port.session < 0 || ::getsockopt(port.session, SOL_SOCKET, so_cookie, &port.cookie, &size) != 0) return false;
    if (!filter_) return true;
    filter_->park(index, port.cookie);
    return filter_->attach(port.session) >= 0;
}

bool parked_ports::hold_udp(std::uint32_t index, pair& port) noexcept {
    const auto number = static_cast<std::uint16_t>(block_.first + index);
    const bool held = make_holder(port) && bind_wildcard_ipv6(port.holder, number) && make_session(index, port) &&
                      set_option(port.holder, SOL_SOCKET, bind_to_ifindex, 0x7ffffffe) &&
                      set_option(port.session, SOL_SOCKET, bind_to_ifindex, 0x7fffffff) &&
                      bind_to(port.session, number) && (!filter_ || dissolve(port.session)) &&
                      dissolve(port.holder) && set_option(port.holder, SOL_SOCKET, SO_RCVBUF, 0);
    return held;
}

bool parked_ports::wipe(std::uint16_t number) noexcept {
    pair passing;
    const bool wiped = make_holder(passing) && set_option(passing.holder, IPPROTO_TCP, TCP_REPAIR, 1) &&
                       bind_wildcard_ipv6(passing.holder, number) &&
                       set_option(passing.holder, IPPROTO_TCP, TCP_REPAIR, 0);
    ::close(passing.holder);
    return wiped;
}

bool parked_ports::hold_tcp(std::uint32_t index, pair& port) noexcept {
    const auto number = static_cast<std::uint16_t>(block_.first + index);
    if (!make_session(index, port)) return false;
    if (repair_) {
        if (!make_holder(port) || !bind_to(port.session, number)) return false;
        silence(index, port);
        return ::listen(port.session, backlog) == 0 && set_option(port.holder, IPPROTO_TCP, TCP_REPAIR, 1) &&
               bind_wildcard_ipv6(port.holder, number) && set_option(port.holder, IPPROTO_TCP, TCP_REPAIR, 0) &&
               set_option(port.session, SOL_SOCKET, SO_REUSEADDR, 1) && wipe(number);
    }
    constexpr int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    port.holder = ::socket(AF_INET, type, 0);
    if (port.holder < 0 || !set_option(port.session, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
    silence(index, port);
    const bool shut = bind_to(port.holder, number) && set_option(port.holder, SOL_SOCKET, SO_REUSEADDR, 1) &&
                      bind_to(port.session, number) && ::listen(port.session, backlog) == 0 &&
                      set_option(port.holder, SOL_SOCKET, SO_REUSEADDR, 0);
    port.other = ::socket(AF_INET6, type, 0);
    return shut && port.other >= 0 && set_option(port.other, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
           bind_wildcard_ipv6(port.other, number);
}

void parked_ports::silence(std::uint32_t index, const pair& port) noexcept {
    if (filter_) return filter_->park(index, port.cookie);
    if (transport_ == protocol::tcp) {
        set_option(port.session, IPPROTO_IP, min_ttl, 255);
        return;
    }
    set_option(port.session, SOL_SOCKET, bind_to_ifindex, 0x7fffffff);
}

void parked_ports::open(std::uint32_t index) noexcept {
    const pair& port = ports_[index];
    char sink[1];
    pollfd waiting{port.session, POLLIN, 0};
    if (transport_ == protocol::udp)
        ::recv(port.session, sink, sizeof sink, MSG_DONTWAIT | MSG_TRUNC);
    else
        ::poll(&waiting, 1, 0);
    if (filter_)
        filter_->open(index);
    else if (transport_ == protocol::udp)
        dissolve(port.session);
    else
        set_option(port.session, IPPROTO_IP, min_ttl, 0);
}

void parked_ports::park(std::uint32_t index) noexcept {
    const pair& port = ports_[index];
    pollfd waiting{port.session, POLLIN, 0};
    if (transport_ == protocol::udp) set_option(port.session, IPPROTO_UDP, UDP_CORK, 0);
    silence(index, port);
    ::poll(&waiting, 1, 0);
}

}  // namespace berth::bench::raw
