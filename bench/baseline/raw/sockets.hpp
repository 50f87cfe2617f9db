// The bare calls that every baseline is made of: IPv4, all addresses, nothing that is not needed.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace berth::bench::raw {

inline constexpr int backlog = 1024;

/// type: SOCK_DGRAM or SOCK_STREAM.
inline int open_socket(int type) noexcept { return ::socket(AF_INET, type | SOCK_CLOEXEC, 0); }

inline sockaddr_in any_address(std::uint16_t port) noexcept {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    return address;
}

/// port 0: the kernel chooses.
inline bool bind_to(int fd, std::uint16_t port) noexcept {
    const sockaddr_in address = any_address(port);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

inline bool set_option(int fd, int level, int name, int value) noexcept {
    return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

inline std::uint16_t port_of(int fd) noexcept {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

inline sockaddr_in loopback_address(std::uint16_t port) noexcept {
    sockaddr_in address = any_address(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// Pre: fd does not block. Returns whether the connection stands.
inline bool connect_and_wait(int fd, const sockaddr_in& remote) noexcept {
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&remote), sizeof remote) == 0) return true;
    if (errno != EINPROGRESS) return false;
    pollfd writable{fd, POLLOUT, 0};
    return ::poll(&writable, 1, 5000) == 1 && (writable.revents & (POLLERR | POLLHUP)) == 0;
}

}  // namespace berth::bench::raw
