// Plain sockets for the tests of the kernel parts: made by the bare calls, so that the parts are not tested by
// themselves.
//
// Every descriptor closes itself; ports come from the kernel.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <utility>

namespace berth_test {

class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) : fd_(fd) {}
    descriptor(descriptor&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
    descriptor& operator=(descriptor&& o) noexcept {
        std::swap(fd_, o.fd_);
        return *this;
    }
    ~descriptor() { close(); }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    operator int() const { return fd_; }

private:
    int fd_ = -1;
};

inline void set_int(int fd, int level, int name, int value) {
    ASSERT_EQ(::setsockopt(fd, level, name, &value, sizeof value), 0)
        << level << '/' << name << ' ' << strerror(errno);
}

inline std::uint64_t cookie_of(int fd) {
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
    return cookie;
}

inline std::uint64_t inode_of(int fd) {
    struct stat s {};
    EXPECT_EQ(::fstat(fd, &s), 0);
    return s.st_ino;
}

inline std::uint16_t port_of(int fd) {
    sockaddr_in6 a{};
    socklen_t size = sizeof a;
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size), 0);
    return ntohs(a.sin6_port);  // at the same place in sockaddr_in
}

inline sockaddr_in loopback4(std::uint16_t port) {
    sockaddr_in a{};
    a.sin_family = AF_INET, a.sin_port = htons(port), a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

inline sockaddr_in6 loopback6(std::uint16_t port) {
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6, a.sin6_port = htons(port), a.sin6_addr = in6addr_loopback;
    return a;
}

template <class Address>
const sockaddr* name(const Address& a) {
    return reinterpret_cast<const sockaddr*>(&a);
}

inline descriptor make_socket(int family, int type, bool only_ipv6 = false) {
    descriptor fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    EXPECT_GE(fd, 0);
    if (family == AF_INET6) set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, only_ipv6);
    return fd;
}

/// Bound to the wildcard address; port 0: the kernel's choice.
inline descriptor bound_socket(int family, int type, std::uint16_t port = 0, bool only_ipv6 = false) {
    descriptor fd = make_socket(family, type, only_ipv6);
    sockaddr_in6 a6{};
    sockaddr_in a4{};
    a6.sin6_family = AF_INET6, a6.sin6_port = htons(port);
    a4.sin_family = AF_INET, a4.sin_port = htons(port);
    const int r = family == AF_INET6 ? ::bind(fd, name(a6), sizeof a6) : ::bind(fd, name(a4), sizeof a4);
    EXPECT_EQ(r, 0) << strerror(errno);
    return fd;
}

inline descriptor listener(int family) {
    descriptor fd = bound_socket(family, SOCK_STREAM);
    EXPECT_EQ(::listen(fd, 64), 0);
    return fd;
}

/// A non-blocking TCP client that has started to connect over loopback.
inline descriptor client(int family, std::uint16_t port, int ttl = 0) {
    descriptor fd = make_socket(family, SOCK_STREAM);
    if (ttl != 0 && family == AF_INET) set_int(fd, IPPROTO_IP, IP_TTL, ttl);
    if (ttl != 0 && family == AF_INET6) set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
    const auto a4 = loopback4(port);
    const auto a6 = loopback6(port);
    const int r = family == AF_INET6 ? ::connect(fd, name(a6), sizeof a6) : ::connect(fd, name(a4), sizeof a4);
    EXPECT_TRUE(r == 0 || errno == EINPROGRESS) << strerror(errno);
    return fd;
}

inline bool becomes(int fd, short events, int milliseconds) {
    pollfd p{fd, events, 0};
    return ::poll(&p, 1, milliseconds) == 1;
}

inline void send_to(std::uint16_t port, int family, int datagrams = 1) {
    const descriptor fd = make_socket(family, SOCK_DGRAM);
    const auto a4 = loopback4(port);
    const auto a6 = loopback6(port);
    for (int i = 0; i < datagrams; ++i) {
        const auto sent = family == AF_INET6 ? ::sendto(fd, "x", 1, 0, name(a6), sizeof a6)
                                             : ::sendto(fd, "x", 1, 0, name(a4), sizeof a4);
        EXPECT_EQ(sent, 1) << strerror(errno);
    }
}

inline int count_received(int fd) {
    char byte = 0;
    int n = 0;
    while (::recv(fd, &byte, 1, MSG_DONTWAIT) >= 0) ++n;
    return n;
}

}  // namespace berth_test
