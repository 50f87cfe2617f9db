// What goes over a consumer's connection besides requests and answers: which ports change hands.
//
// Invariant: parse() accepts exactly what encode() makes. Ports ascend; a message has 253 of them at most, the limit
// of the descriptors that go with them, but for `holding`, which has a bit for each port of the block. Little-endian.
#pragma once

#include "persistent/message.hpp"

#include <vector>

namespace berth::detail {

enum class share_verb : std::uint16_t {
    fetched = 1,  // to the consumer: the answer to a fetch, a descriptor for each port in this order
    recall,  // to the consumer: `count` idle ports are wanted back; answered by a give_back, empty if there is none
    recall_all,  // to the consumer: no more come, and all that is or becomes idle is wanted back, until the next
                 // fetched or keep
    restarted,   // to the consumer: what was asked is forgotten; say what you hold, with this epoch, and ask again
    give_back,   // from the consumer: rested and idle ports, whose descriptors it has closed; not answered
    spoilt,      // from the consumer: the same of ports that need a new session socket
    holding,     // from the consumer: exactly these of what it was sent up to `number` are with it; not answered
    keep,        // to the consumer: a recall_all is over
};

struct share_message {
    share_verb verb = share_verb::give_back;
    std::uint32_t id = 0;                // fetched: the request's
    std::uint32_t count = 0;             // recall
    std::uint64_t epoch = 0;             // restarted: new, not 0; holding: of the last restarted that was read, or 0
    std::uint64_t number = 0;  // fetched: 1, 2, ... in an epoch; holding: of the last fetched that was read, or 0
    std::vector<std::uint16_t> ports{};  // fetched, give_back, spoilt: ascending
    std::vector<bool> held{};            // holding: by index in the block
    friend bool operator==(const share_message&, const share_message&) noexcept = default;
};

inline constexpr std::size_t share_head = 32;                              // bytes
inline constexpr std::size_t most_share_message = share_head + 65536 / 8;  // bytes

/// Pre: the ports ascend, at most 253 of them; at most 65,536 bits.
std::vector<std::byte> encode(const share_message& message);
std::optional<share_message> parse_share_message(std::span<const std::byte> bytes);

}  // namespace berth::detail
