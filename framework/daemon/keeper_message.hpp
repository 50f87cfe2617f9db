// What goes between the daemon and its keeper: a head, then keys; a put and the answer to a fetch carry a descriptor
// for each key. Little-endian.
//
// Invariant: parse() accepts exactly what encode() makes, and at most 253 keys; whoever reads compares their number
// with that of the descriptors. An answer has the kind of its request.
#pragma once

#include "descriptor_store.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace berth::daemon {

inline constexpr std::size_t keys_per_message = 253;
inline constexpr std::size_t key_size = 12;                                           // bytes
inline constexpr std::size_t most_keeper_message = 16 + keys_per_message * key_size;  // bytes

enum class keeper_verb : std::uint16_t {
    put = 1,
    fetch,  // value: how many were fetched already; in the answer as well, 0 if there is no more
    remove,
    remove_block,  // one key, of which the block alone counts
    end,           // the keeper closes everything and goes
};

struct keeper_message {
    keeper_verb verb = keeper_verb::put;
    std::uint32_t value = 0;  // in answers to others than fetch: 0, or an errno
    std::vector<kept_key> keys;
    friend bool operator==(const keeper_message&, const keeper_message&) noexcept = default;
};

/// Pre: at most keys_per_message keys.
std::vector<std::byte> encode(const keeper_message& message);
std::optional<keeper_message> parse_keeper_message(std::span<const std::byte> bytes);

}  // namespace berth::daemon
