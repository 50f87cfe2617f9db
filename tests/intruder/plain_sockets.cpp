// Bare socket calls for the tests' own ends.
#include "plain_sockets.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace berth::test {
namespace {

struct socket_name {
    sockaddr_storage storage{};
    socklen_t size = 0;
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

socket_name make_name(int family, std::uint16_t port, bool loopback) {
    socket_name n;
    if (family == AF_INET) {
        auto& a = reinterpret_cast<sockaddr_in&>(n.storage);
        a.sin_family = AF_INET, a.sin_port = htons(port), n.size = sizeof a;
        a.sin_addr.s_addr = htonl(loopback ? INADDR_LOOPBACK : INADDR_ANY);
    } else {
        auto& a = reinterpret_cast<sockaddr_in6&>(n.storage);
        a.sin6_family = AF_INET6, a.sin6_port = htons(port), n.size = sizeof a;
        if (loopback) inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr);
    }
    return n;
}

std::uint16_t port_of(const socket_name& n) {
    return ntohs(n.storage.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(n.storage).sin_port
                                                : reinterpret_cast<const sockaddr_in6&>(n.storage).sin6_port);
}

int family_of(int descriptor) {
    int domain = AF_INET;
    socklen_t size = sizeof domain;
    getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    return domain;
}

}  // namespace

int new_socket(int family, attacked what) {
    const int type = what == attacked::tcp ? SOCK_STREAM : SOCK_DGRAM;
    const int s = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0) throw std::system_error(errno, std::generic_category(), "socket");
    const int off = 0;
    if (family == AF_INET6) setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    return s;
}

void set_flag(int descriptor, int name, int value) { setsockopt(descriptor, SOL_SOCKET, name, &value, sizeof value); }

bool bind_port(int descriptor, std::uint16_t port) {
    const socket_name n = make_name(family_of(descriptor), port, false);
    return bind(descriptor, n.get(), n.size) == 0;
}

// Twice, because a number that the kernel chose is not locked: connect(AF_UNSPEC) and shutdown would give it up.
std::uint16_t bind_anywhere(int descriptor) {
    const int family = family_of(descriptor);
    int type = 0;
    socklen_t size = sizeof type;
    getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size);
    for (int i = 0; i < 100; ++i) {
        socket_name n = make_name(family, 0, false);
        const int scout = new_socket(family, type == SOCK_STREAM ? attacked::tcp : attacked::udp);
        bind(scout, n.get(), n.size);
        getsockname(scout, reinterpret_cast<sockaddr*>(&n.storage), &n.size);
        close(scout);
        if (bind(descriptor, n.get(), n.size) == 0) return port_of(n);
    }
    throw std::system_error(errno, std::generic_category(), "bind");
}

void dissolve(int descriptor) {
    sockaddr_storage nowhere{};
    nowhere.ss_family = AF_UNSPEC;
    connect(descriptor, reinterpret_cast<const sockaddr*>(&nowhere), sizeof(sockaddr_in));
}

bool wait_readable(int descriptor, int milliseconds) {
    pollfd p{descriptor, POLLIN, 0};
    return poll(&p, 1, milliseconds) == 1;
}

bool connect_loopback(int descriptor, std::uint16_t port) {
    const socket_name n = make_name(family_of(descriptor), port, true);
    if (connect(descriptor, n.get(), n.size) == 0) return true;
    if (errno != EINPROGRESS) return false;
    pollfd p{descriptor, POLLOUT, 0};
    if (poll(&p, 1, 20) != 1) return false;
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

int accept_soon(int listener) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client >= 0 || !wait_readable(listener)) return client;
    return accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

bool serve_one_client(int listener, std::uint16_t port) {
    const int client = new_socket(AF_INET, attacked::tcp);
    const int server = connect_loopback(client, port) ? accept_soon(listener) : -1;
    if (server >= 0) close(server);
    close(client);
    return server >= 0;
}

bool receive_one_datagram(int descriptor, std::uint16_t port) {
    const int client = new_socket(AF_INET, attacked::udp);
    const socket_name n = make_name(AF_INET, port, true);
    char got = 0;
    const bool sent = sendto(client, "d", 1, 0, n.get(), n.size) == 1;
    const bool ok = sent && wait_readable(descriptor) && recv(descriptor, &got, 1, 0) == 1 && got == 'd';
    close(client);
    return ok;
}

}  // namespace berth::test
