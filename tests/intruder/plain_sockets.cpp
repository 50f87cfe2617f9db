// Bare socket calls for the tests' own ends.
#include "plain_sockets.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace berth::test {
namespace {

constexpr int patience = 200;  // ms; loopback answers in microseconds, a busy machine in milliseconds

struct socket_name {
    sockaddr_storage storage{};
    socklen_t size = 0;
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

socket_name make_name(int family, std::uint16_t port, const char* address) {
    socket_name n;
    if (family == AF_INET) {
        auto& a = reinterpret_cast<sockaddr_in&>(n.storage);
        a.sin_family = AF_INET, a.sin_port = htons(port), n.size = sizeof a;
        inet_pton(AF_INET, address, &a.sin_addr);
    } else {
        auto& a = reinterpret_cast<sockaddr_in6&>(n.storage);
        a.sin6_family = AF_INET6, a.sin6_port = htons(port), n.size = sizeof a;
        inet_pton(AF_INET6, address, &a.sin6_addr);
    }
    return n;
}

socket_name wildcard(int family, std::uint16_t port) {
    return make_name(family, port, family == AF_INET ? "0.0.0.0" : "::");
}

socket_name loopback_name(loopback to, std::uint16_t port) {
    if (to == loopback::four) return make_name(AF_INET, port, "127.0.0.1");
    return make_name(AF_INET6, port, to == loopback::six ? "::1" : "::ffff:127.0.0.1");
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

int family_for(loopback to) { return to == loopback::four ? AF_INET : AF_INET6; }

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
    const socket_name n = wildcard(family_of(descriptor), port);
    return bind(descriptor, n.get(), n.size) == 0;
}

// Twice, because a number that the kernel chose is not locked: connect(AF_UNSPEC) and shutdown would give it up.
std::uint16_t bind_anywhere(int descriptor) {
    const int family = family_of(descriptor);
    int type = 0;
    socklen_t size = sizeof type;
    getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size);
    for (int i = 0; i < 100; ++i) {
        socket_name n = wildcard(family, 0);
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

bool wait_readable(int descriptor) {
    pollfd p{descriptor, POLLIN, 0};
    return poll(&p, 1, patience) == 1;
}

bool connect_to(int descriptor, loopback to, std::uint16_t port) {
    const socket_name n = loopback_name(to, port);
    if (connect(descriptor, n.get(), n.size) == 0) return true;
    if (errno != EINPROGRESS) return false;
    // Where the other end has the same two addresses in TIME_WAIT since this very millisecond, the kernel may let the
    // first SYN go unheard and sends the next one after a second.
    pollfd p{descriptor, POLLOUT, 0};
    if (poll(&p, 1, patience + 2000) != 1) return false;
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

int accept_soon(int listener) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client >= 0 || !wait_readable(listener)) return client;
    return accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

bool serve_one_client(int listener, loopback to, std::uint16_t port, closes_first who) {
    const int client = new_socket(family_for(to), attacked::tcp);
    const int server = connect_to(client, to, port) ? accept_soon(listener) : -1;
    const bool heard = server >= 0 && carries_one_byte(client, server);
    if (who == closes_first::client) close(client);
    if (server >= 0) close(server);
    if (who == closes_first::server) close(client);
    return heard;
}

bool carries_one_byte(int from, int to) {
    char got = 0;
    return send(from, "d", 1, MSG_NOSIGNAL) == 1 && wait_readable(to) && recv(to, &got, 1, 0) == 1 && got == 'd';
}

bool receive_one_datagram(int descriptor, loopback to, std::uint16_t port) {
    const int client = new_socket(family_for(to), attacked::udp);
    const socket_name n = loopback_name(to, port);
    char got = 0;
    const bool sent = sendto(client, "d", 1, 0, n.get(), n.size) == 1;
    const bool heard = sent && wait_readable(descriptor) && recv(descriptor, &got, 1, 0) == 1 && got == 'd';
    close(client);
    return heard;
}

}  // namespace berth::test
