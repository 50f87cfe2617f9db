// One attempt of an intruder: a new socket, the variation's options, and the way onto the port.
#include "intruder_loop.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/tcp.h>

#include <cerrno>

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

namespace berth::test {
namespace {

constexpr int loopback_index = 1;
constexpr int unused_index = 0x7ffffffd;

template <class T>
bool set(int descriptor, int level, int name, T value) {
    return setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

/// The local port, 0 if there is none.
std::uint16_t local_port(int descriptor) {
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
    return ntohs(name.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(name).sin_port
                                           : reinterpret_cast<sockaddr_in6&>(name).sin6_port);
}

bool bind_to(int descriptor, const attack_variation& v, std::uint16_t port) {
    sockaddr_storage name = v.address;
    (v.family() == AF_INET ? reinterpret_cast<sockaddr_in&>(name).sin_port
                           : reinterpret_cast<sockaddr_in6&>(name).sin6_port) = htons(port);
    return bind(descriptor, reinterpret_cast<sockaddr*>(&name), v.address_size) == 0;
}

}  // namespace

bool intruder_loop::set_options(int s, const attack_variation& v, std::uint16_t port) const {
    if (v.reuse_address && !set(s, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
    if (v.reuse_port && !set(s, SOL_SOCKET, SO_REUSEPORT, 1)) return false;
    if (v.family() == AF_INET6 && !set(s, IPPROTO_IPV6, IPV6_V6ONLY, int{v.extra == attack_extra::v6_only}))
        return false;
    switch (v.extra) {
        case attack_extra::none:
        case attack_extra::v6_only:
            return true;
        case attack_extra::device_name:
            return setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0;
        case attack_extra::device_index:
            return set(s, SOL_SOCKET, SO_BINDTOIFINDEX, loopback_index);
        case attack_extra::device_unused:
            return set(s, SOL_SOCKET, SO_BINDTOIFINDEX, unused_index);
        case attack_extra::free_bind:
            return set(s, IPPROTO_IP, IP_FREEBIND, 1);
        case attack_extra::transparent:
            return set(s, IPPROTO_IP, IP_TRANSPARENT, 1);
        case attack_extra::address_no_port:
            return set(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        case attack_extra::port_range:
            if (v.way == attack_way::connect_late && !set(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)) return false;
            return set(s, IPPROTO_IP, IP_LOCAL_PORT_RANGE, std::uint32_t{port} | std::uint32_t{port} << 16);
        case attack_extra::defer_accept:
            return set(s, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
    }
    return false;
}

/// 0 or an errno. The sink's queue may be full: a SYN on its way has its local port all the same.
int intruder_loop::get_onto_port(int s, const attack_variation& v, std::uint16_t port) const {
    if (v.way == attack_way::bind) return bind_to(s, v, port) ? 0 : errno;
    if (v.way == attack_way::bind_zero) return bind_to(s, v, 0) ? 0 : errno;
    if (v.way == attack_way::connect_late && !bind_to(s, v, 0)) return errno;
    if (v.way == attack_way::listen_or_send && what_ == attacked::tcp) return listen(s, 1) == 0 ? 0 : errno;
    return reach_sink(s, v) || errno == EINPROGRESS ? 0 : errno;
}

bool intruder_loop::reach_sink(int s, const attack_variation& v) const {
    sockaddr_storage name{};
    socklen_t size = v.address_size;
    if (v.family() == AF_INET) {
        auto& four = reinterpret_cast<sockaddr_in&>(name);
        four.sin_family = AF_INET, four.sin_port = htons(sink_port_), four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        auto& six = reinterpret_cast<sockaddr_in6&>(name);
        const bool mapped = IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6&>(v.address).sin6_addr);
        six.sin6_family = AF_INET6, six.sin6_port = htons(sink_port_);
        inet_pton(AF_INET6, mapped ? "::ffff:127.0.0.1" : "::1", &six.sin6_addr);
    }
    const auto* to = reinterpret_cast<const sockaddr*>(&name);
    if (v.way == attack_way::listen_or_send) return sendto(s, "x", 1, 0, to, size) == 1;
    return connect(s, to, size) == 0;
}

void intruder_loop::attempt(std::size_t index, std::uint16_t port) {
    const attack_variation& v = variations_[index];
    const std::uint32_t promise = page_.promise;
    const int type = (what_ == attacked::tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const int s = socket(v.family(), type, v.protocol);
    if (s < 0) {
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) skip(index);
        return;
    }
    if (!set_options(s, v, port)) {
        skip(index);
        close(s);
        return;
    }
    tally_.tries.fetch_add(1, std::memory_order_relaxed);
    const int refusal = get_onto_port(s, v, port);
    if (refusal == 0 && local_port(s) == port) return hit(s, index, port, promise);
    const bool number_refused = refusal == 0 || refusal == EADDRINUSE || v.way != attack_way::bind;
    if (!number_refused) skip(index);  // no such address here, or no right to it: never a question of the port
    close(s);
}

}  // namespace berth::test
