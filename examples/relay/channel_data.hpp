// ChannelData (RFC 8656, 12.4), and what begins at a client's next byte: the two bits that tell it from STUN.
#pragma once

#include "byte_order.hpp"
#include "stun_message.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace relay {

inline constexpr std::uint16_t first_channel = 0x4000;
inline constexpr std::uint16_t last_channel = 0x4FFF;
inline constexpr std::uint16_t last_rfc5766_channel = 0x7FFF;  ///< of RFC 8656's predecessor
inline constexpr std::size_t channel_header_size = 4;          // bytes

/// Whether it looks like one; which of them may be bound is another question.
[[nodiscard]] constexpr bool is_channel(std::uint32_t number) noexcept {
    return number >= first_channel && number <= last_rfc5766_channel;
}

struct channel_data {
    std::uint16_t channel = 0;
    bytes_view payload;
};

/// Of one datagram; bytes behind the payload are padding, which a client may send (RFC 8656, 12.5). nullopt: it is
/// none.
[[nodiscard]] inline std::optional<channel_data> parse_channel_data(bytes_view bytes) noexcept {
    if (bytes.size() < channel_header_size) return std::nullopt;
    const channel_data found{read_16(bytes.data()), bytes.subspan(channel_header_size)};
    const std::size_t size = read_16(bytes.data() + 2);
    if (!is_channel(found.channel) || size > found.payload.size()) return std::nullopt;
    return channel_data{found.channel, found.payload.first(size)};
}

/// Pre: a payload of at most 65,535 bytes.
[[nodiscard]] constexpr std::array<std::uint8_t, channel_header_size> channel_header(std::uint16_t channel,
                                                                                     std::size_t size) noexcept {
    std::array<std::uint8_t, channel_header_size> header{};
    write_16(header.data(), channel);
    write_16(header.data() + 2, static_cast<std::uint16_t>(size));
    return header;
}

/// What lies at the front of a stream's bytes.
struct framed {
    enum class state : std::uint8_t {
        whole,     ///< a message of `size` bytes, of which the last `padding` are to be skipped
        partial,   ///< more bytes are needed; `size`: how many it will be, 0 if that is not known
        nonsense,  ///< neither STUN nor ChannelData: nothing in the stream can be trusted any more
    };
    state is = state::partial;
    std::size_t size = 0;
    std::size_t padding = 0;
};

[[nodiscard]] inline framed look_at(bytes_view stream) noexcept {
    if (stream.size() < channel_header_size) {
        const bool may_be = stream.empty() || (stream[0] & 0xC0) == 0 || (stream[0] & 0xC0) == 0x40;
        return {may_be ? framed::state::partial : framed::state::nonsense};
    }
    const std::size_t length = read_16(stream.data() + 2);
    framed found;
    if ((stream[0] & 0xC0) == 0) {
        const std::size_t known = std::min<std::size_t>(stream.size(), 8);
        if (length % 4 != 0 || (known == 8 && read_32(stream.data() + 4) != magic_cookie))
            return {framed::state::nonsense};
        found.size = stun_header_size + length;
    } else if (is_channel(read_16(stream.data()))) {
        found.padding = (4 - length % 4) % 4;  // over a stream it is always there
        found.size = channel_header_size + length + found.padding;
    } else {
        return {framed::state::nonsense};
    }
    found.is = stream.size() < found.size ? framed::state::partial : framed::state::whole;
    return found;
}

}  // namespace relay
