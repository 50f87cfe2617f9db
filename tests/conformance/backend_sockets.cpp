// Plain loopback sockets: see backend_sockets.hpp.
#include "conformance/backend_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstring>

namespace backend_suite {
namespace {

ip_address loopback(int family) {
    ip_address a;
    if (family == AF_INET) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::memcpy(&a.storage, &in, a.size = sizeof(in));
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_addr = in6addr_loopback;
        std::memcpy(&a.storage, &in, a.size = sizeof(in));
    }
    return a;
}

descriptor bound(int family, int type) {
    descriptor d(::socket(family, type | SOCK_CLOEXEC, 0));
    const auto a = loopback(family);
    if (::bind(d.fd(), a.get(), a.size) != 0) d.close();
    return d;
}

bool wait_for(int fd, short events) {
    pollfd p{fd, events, 0};
    return ::poll(&p, 1, 5000) == 1;
}

}  // namespace

void descriptor::close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

void descriptor::reset_connection() noexcept {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close();
}

std::string ip_address::text() const {
    char name[INET6_ADDRSTRLEN] = "?";
    if (storage.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
        ::inet_ntop(AF_INET, &in.sin_addr, name, sizeof(name));
        return std::string(name) + ':' + std::to_string(ntohs(in.sin_port));
    }
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    ::inet_ntop(AF_INET6, &in.sin6_addr, name, sizeof(name));
    return std::string(name) + ':' + std::to_string(ntohs(in.sin6_port));
}

ip_address local_address(const descriptor& d) {
    ip_address a;
    a.size = sizeof(a.storage);
    ::getsockname(d.fd(), reinterpret_cast<sockaddr*>(&a.storage), &a.size);
    return a;
}

ip_address nobodys_address(int type) { return local_address(bound(AF_INET, type)); }

descriptor listener(int backlog, int family) {
    auto d = bound(family, SOCK_STREAM);
    ::listen(d.fd(), backlog);
    return d;
}

descriptor datagram_socket(int family) { return bound(family, SOCK_DGRAM); }

descriptor new_stream(int family) { return descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

descriptor connected_to(const ip_address& address, int type) {
    descriptor d(::socket(address.storage.ss_family, type | SOCK_CLOEXEC, 0));
    if (::connect(d.fd(), address.get(), address.size) != 0) d.close();
    return d;
}

stream_pair connected_pair() {
    const auto door = listener(1);
    stream_pair p;
    p.here = connected_to(local_address(door));
    p.there = descriptor(::accept4(door.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    return p;
}

bool say(const descriptor& from, const std::string& bytes) {
    return ::send(from.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

bool say_to(const descriptor& from, const std::string& bytes, const ip_address& to) {
    return ::sendto(from.fd(), bytes.data(), bytes.size(), 0, to.get(), to.size) ==
           static_cast<ssize_t>(bytes.size());
}

std::string hear(const descriptor& at, std::size_t most) {
    std::string bytes(most, '\0');
    if (!wait_for(at.fd(), POLLIN)) return "nothing came";
    const auto n = ::recv(at.fd(), bytes.data(), bytes.size(), 0);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
}

std::string hear_all(const descriptor& at, std::size_t bytes) {
    std::string all;
    while (all.size() < bytes) {
        const auto part = hear(at, bytes - all.size());
        if (part.empty() || part == "nothing came") break;
        all += part;
    }
    return all;
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

}  // namespace backend_suite
