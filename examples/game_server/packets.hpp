// The game's datagrams: values, and their bytes. README.md is the specification.
//
// Pure: bytes in, value out. Numbers are big-endian. What is too short, too long or out of range is no packet. A
// request of a client whose address nobody has checked is padded, so that the answer is never larger.
#pragma once

#include <asio/ip/udp.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

namespace game {

inline constexpr std::size_t padded_size = 48;   // of join and enter
inline constexpr std::size_t most_moves = 64;    // in one inputs packet
inline constexpr std::size_t most_players = 32;  // of one match
inline constexpr std::size_t largest_packet = 512;

enum class why : std::uint8_t { draining = 1, full, no_port, quota, left, over, idle, closing };

struct join {  // to the lobby
    std::uint32_t nonce = 0;
    std::uint64_t match = 0, cookie = 0;
    bool operator==(const join&) const = default;
};
struct cookie {  // from lobby or match: say it again, with this
    std::uint32_t nonce = 0;
    std::uint64_t value = 0;
    bool operator==(const cookie&) const = default;
};
struct place {  // from the lobby: where the match is, and the right to play
    std::uint32_t nonce = 0;
    std::uint64_t ticket = 0;
    std::uint16_t player = 0;
    asio::ip::udp::endpoint at;
    bool operator==(const place&) const = default;
};
struct refused {
    std::uint32_t nonce = 0;
    why reason{};
    bool operator==(const refused&) const = default;
};
struct enter {  // to the match
    std::uint16_t player = 0;
    std::uint64_t ticket = 0, cookie = 0;
    bool operator==(const enter&) const = default;
};
struct welcome {
    std::uint16_t player = 0;
    std::uint64_t match = 0;
    bool operator==(const welcome&) const = default;
};
struct inputs {  // all that are not acknowledged yet, the first one's number and each one's move
    std::uint16_t player = 0;
    std::uint32_t key = 0, first = 0;  // key: the ticket's lower half
    std::uint8_t count = 0;
    std::array<std::uint8_t, most_moves> moves{};
    bool operator==(const inputs&) const = default;
};
struct player_state {
    std::uint16_t player = 0;
    std::uint32_t acknowledged = 0;  // inputs that are in x and y
    std::uint16_t x = 0, y = 0;
    bool operator==(const player_state&) const = default;
};
struct snapshot {  // the highest tick counts
    std::uint64_t match = 0;
    std::uint32_t tick = 0;
    std::uint8_t count = 0;
    std::array<player_state, most_players> players{};
    bool operator==(const snapshot&) const = default;
};
struct leave {
    std::uint16_t player = 0;
    std::uint32_t key = 0;
    bool operator==(const leave&) const = default;
};
struct bye {
    std::uint16_t player = 0;
    why reason{};
    bool operator==(const bye&) const = default;
};

using packet = std::variant<join, cookie, place, refused, enter, welcome, inputs, snapshot, leave, bye>;

[[nodiscard]] std::optional<packet> parse(std::span<const std::byte> bytes) noexcept;
/// Returns its size. Pre: out has largest_packet bytes, counts are within their limits.
[[nodiscard]] std::size_t write(std::span<std::byte> out, const packet& p) noexcept;

/// What a move does to a place; both ends compute it.
inline void apply(player_state& state, std::uint8_t move) noexcept {
    state.x = static_cast<std::uint16_t>(state.x * 31 + (move & 15));
    state.y = static_cast<std::uint16_t>(state.y * 17 + (move >> 4));
    ++state.acknowledged;
}

}  // namespace game
