// A dual-stack socket that its program takes for an IPv4 one.
//
// berthd's persistent blocks have dual-stack sockets, and the documents' program asks with an AF_INET socket. So its
// socket becomes a dual-stack one under the same number, and every call here translates addresses; remotes that have
// no IPv4 address are turned away, since the program could not be told of them.
#pragma once

#include <sys/socket.h>

#include <cstddef>

namespace berth::compat {

/// A fresh dual-stack socket with the options that differ from a fresh one's on `fd`; -1 if that is not an unbound
/// IPv4 socket of TCP or UDP, or the system refuses.
[[nodiscard]] int dual_stack_like(int fd) noexcept;

/// `from` as an IPv4 address written to `to` and its size, as the system writes it. False: it is none.
bool tell_as_ipv4(const sockaddr_storage& from, sockaddr* to, socklen_t* size) noexcept;

/// An IPv4 address as a dual-stack socket takes it. False: it is none, and is to be used as it is.
[[nodiscard]] bool mapped(const sockaddr* address, int size, sockaddr_storage& to) noexcept;

}  // namespace berth::compat
