// The few things that Asio has no word for, each a line or two of the system's.
#pragma once

#include "platform/native_socket.hpp"

#include <berth/detail/operation.hpp>

#include <cstddef>
#include <cstdint>

namespace berth::detail {

/// Takes a client from a listener's queue, without waiting: its descriptor (close-on-exec), or the negative error.
/// `address`, if there is one, has room for `address_size` bytes; post: the client's address and its size.
int take_client(platform::native_socket listener, void* address, std::uint32_t& address_size) noexcept;

/// A datagram with what else the system says of it, for which Asio has no word. Neither waits.
struct datagram_words {
    void* address = nullptr;
    std::uint32_t address_size = 0;  ///< in: room for a source; out: its size. Bytes, like the next
    void* control = nullptr;
    std::uint32_t control_size = 0;
    int flags = 0;  ///< in: of the call; out, of a receive: those that the datagram came with
};
/// Its whole size, which may exceed the room, or the negative error.
int take_datagram(platform::native_socket socket, buffer_part room, datagram_words& words) noexcept;
/// Bytes that were sent, or the negative error.
int send_datagram(platform::native_socket socket, const buffer_part* parts, std::size_t count,
                  const datagram_words& words) noexcept;

/// Whether the system's event queue would take the socket: 0, or the error that it would refuse it with. Three calls.
int try_to_watch(platform::native_socket socket) noexcept;

/// The message flag with which a receive says how long a datagram was, and the one that says it was cut short.
extern const int ask_for_whole_size;
extern const int was_truncated;

}  // namespace berth::detail
