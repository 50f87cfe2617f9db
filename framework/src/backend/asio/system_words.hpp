// The few things that Asio has no word for, each a line or two of the system's.
#pragma once

#include "platform/native_socket.hpp"

#include <cstdint>

namespace berth::detail {

/// Takes a client from a listener's queue, without waiting: its descriptor (close-on-exec), or the negative error.
/// `address`, if there is one, has room for `address_size` bytes; post: the client's address and its size.
int take_client(platform::native_socket listener, void* address, std::uint32_t& address_size) noexcept;

/// The message flag with which a receive says how long a datagram was, and the one that says it was cut short.
extern const int ask_for_whole_size;
extern const int was_truncated;

}  // namespace berth::detail
