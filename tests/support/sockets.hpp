// What tests of every system say to sockets that are none of berth's, and ask of their own process.
//
// One header, a source for each system: linux/sockets.cpp, windows/sockets.cpp. Nothing here calls berth. Constants
// like SOL_SOCKET come with Asio's headers on every system.
#pragma once

#include <asio/detail/socket_types.hpp>

#include <chrono>
#include <cstddef>

namespace berth::test {

using socket_handle = asio::detail::socket_type;
inline constexpr auto no_socket = static_cast<socket_handle>(-1);

enum class trouble { none, would_block, interrupted, refused, reset, other };
trouble last_trouble() noexcept;  ///< of this thread's last call that failed
int last_error() noexcept;        ///< the same as the system's number

socket_handle open_tcp() noexcept;  ///< IPv4 and blocking, as the next; children do not inherit them
socket_handle open_udp() noexcept;
void close_socket(socket_handle socket) noexcept;
void close_with_reset(socket_handle socket) noexcept;
void end_sending(socket_handle socket) noexcept;
void set_nonblocking(socket_handle socket, bool on) noexcept;
void give_up_after(socket_handle socket, std::chrono::milliseconds limit) noexcept;  ///< sends and receives
socket_handle another_handle(socket_handle socket) noexcept;  ///< of the same socket; no_socket: none is left

bool bind_address(socket_handle socket, const void* address, std::size_t size) noexcept;
bool connect_address(socket_handle socket, const void* address, std::size_t size) noexcept;
std::ptrdiff_t send_to_address(socket_handle socket, const void* data, std::size_t bytes, const void* address,
                               std::size_t size) noexcept;
template <class Endpoint>
bool bind_socket(socket_handle socket, const Endpoint& to) noexcept {
    return bind_address(socket, to.data(), to.size());
}
/// Nonblocking ones say would_block while it is under way, on every system.
template <class Endpoint>
bool connect_socket(socket_handle socket, const Endpoint& to) noexcept {
    return connect_address(socket, to.data(), to.size());
}
template <class Endpoint>
std::ptrdiff_t send_to(socket_handle socket, const void* data, std::size_t bytes, const Endpoint& to) noexcept {
    return send_to_address(socket, data, bytes, to.data(), to.size());
}

/// Bytes; 0: the other side has ended (receive); -1: last_trouble() says why. No signal comes of it.
std::ptrdiff_t send_some(socket_handle socket, const void* data, std::size_t bytes) noexcept;
std::ptrdiff_t receive_some(socket_handle socket, void* data, std::size_t bytes) noexcept;
/// False: the time is over. An end and an error count as readable.
bool wait_readable(socket_handle socket, std::chrono::milliseconds limit) noexcept;
bool wait_writable(socket_handle socket, std::chrono::milliseconds limit) noexcept;
int pending_error(socket_handle socket) noexcept;  ///< and clears it

void set_option(socket_handle socket, int level, int name, int value) noexcept;
int option_of(socket_handle socket, int level, int name) noexcept;  ///< -1: not to be had
/// An option lets other sockets have the same port beside it: SO_REUSEPORT (Windows: SO_REUSEADDR).
bool shares_its_port(socket_handle socket) noexcept;

/// A reset that came while nobody was receiving is still a reset to whoever receives later. Wine 8.0: it is an end.
bool resets_are_kept();

/// Wine's version; nullptr: the system is itself.
const char* wine() noexcept;

/// Descriptors (Windows: handles) and threads of this process; to compare with the same a moment later.
std::size_t descriptors_now();
std::size_t threads_now();

}  // namespace berth::test
