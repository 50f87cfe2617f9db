// The page that an intruder_crew shares with its children: orders one way, tallies the other.
//
// The parent writes an order's fields, then its number; a child that has seen the number attacks what it says.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace berth::test {

constexpr unsigned most_intruders = 2;
constexpr unsigned most_variations = 2048;

struct intruder_tally {
    alignas(64) std::atomic<std::uint64_t> tries;
    std::atomic<std::uint64_t> bound, listening, received, broken_promises, rounds;
    std::atomic<std::uint32_t> skipped;
    std::atomic<std::uint32_t> seen;  // number of the last order obeyed
    std::array<std::atomic<std::uint32_t>, most_variations> hits;
};

struct intruder_page {
    alignas(64) std::atomic<std::uint32_t> changing_hands;
    std::atomic<std::uint32_t> promise;  // odd: stands
    alignas(64) std::atomic<std::uint32_t> order;
    std::atomic<std::uint32_t> first, count;
    std::atomic<bool> ambush, drop_kept, stop;
    std::array<std::atomic<std::uint8_t>, 65536> inside;
    std::array<intruder_tally, most_intruders> tally;
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "shared between processes");

}  // namespace berth::test
