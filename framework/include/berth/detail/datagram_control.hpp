// What the system says beside a datagram, and is told beside one, without a word of the system's.
#pragma once

#include <berth/detail/native_calls.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace berth::detail {

struct datagram_control {
    std::uint8_t family = 0;  ///< of the destination: 4, 6, or 0 if it is not known
    std::array<unsigned char, 16> destination{};
    std::uint32_t interface_index = 0;  ///< what it arrived on
    std::uint8_t traffic_class = 0;
    std::uint16_t segment_size = 0;  ///< bytes; 0: one datagram
};

/// Bytes that are enough for all of them, either way.
inline constexpr std::uint32_t control_room = 128;

/// From now on the socket says these. `segments`: the system may join datagrams of one sender.
BERTH_DECL void ask_for_control(native_value socket, bool destination, bool traffic_class, bool segments,
                                int& error) noexcept;
[[nodiscard]] BERTH_DECL datagram_control read_control(const void* control, std::size_t size) noexcept;
/// For a send: bytes are cut into datagrams of this size. Returns the bytes written at `room`, which has control_room.
BERTH_DECL std::uint32_t write_segment_size(void* room, std::uint16_t size) noexcept;
/// False: this system is known not to cut; each datagram has to be sent by itself.
[[nodiscard]] BERTH_DECL bool may_cut_datagrams() noexcept;
/// True for errors of a send that say that the system does not cut, or not this size.
[[nodiscard]] BERTH_DECL bool refuses_segments(int error) noexcept;
/// The flag of a received datagram that did not fit.
[[nodiscard]] BERTH_DECL bool is_truncated(int flags) noexcept;

}  // namespace berth::detail
