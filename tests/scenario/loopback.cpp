// The calls behind loopback.hpp; none of them is berth's.
#include "loopback.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace berth::test {

sockaddr_in loopback_address(std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET, to.sin_port = htons(port), to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

std::uint16_t port_of(int fd) {
    sockaddr_in6 name{};
    socklen_t size = sizeof name;
    return ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0 ? ntohs(name.sin6_port) : 0;
}

void close_hard(int fd) {
    const linger hard{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::close(fd);
}

int connect_to(int fd, int family, std::uint16_t port) {
    const auto v4 = loopback_address(port);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6, v6.sin6_port = htons(port);
    ::inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6.sin6_addr);
    return family == AF_INET ? ::connect(fd, reinterpret_cast<const sockaddr*>(&v4), sizeof v4)
                             : ::connect(fd, reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

int connected_client(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect_to(fd, AF_INET, port) == 0) return fd;
    ::close(fd);
    return -1;
}

bool readable(int fd, int milliseconds) {
    pollfd p{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&p, 1, milliseconds) == 1 && (p.revents & POLLIN) != 0;
}

int accept_within(int listener, int milliseconds) {
    return readable(listener, milliseconds) ? ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) : -1;
}

void send_datagram(std::uint16_t port) {
    const int sender = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto to = loopback_address(port);
    ::sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    ::close(sender);
}

bool hears(int socket, std::uint16_t port) {
    send_datagram(port);
    char got[4];
    return readable(socket, 300) && ::recv(socket, got, sizeof got, MSG_DONTWAIT) == 1;
}

destination::destination() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto any = loopback_address(0);
    ::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any);
    ::listen(fd, 256);
    port = port_of(fd);
}

destination::~destination() { ::close(fd); }

}  // namespace berth::test
