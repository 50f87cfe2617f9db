// Two or more things compared fairly: in turns (A B C A B C ...), many short slices, one figure per slice.
//
// A machine slows down and speeds up by the second; taking turns lets that fall on all alike. The order is reversed
// every other round, so that nobody always runs behind the same neighbour.
#pragma once

#include "measure/clock.hpp"
#include "measure/distribution.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace berth::bench {

/// A contestant runs one slice and returns its figure (nanoseconds per operation, say).
using contestant = std::function<double()>;

/// figures[i][k]: contestant i in round k.
[[nodiscard]] inline std::vector<std::vector<double>> interleave(std::size_t rounds,
                                                                 const std::vector<contestant>& contestants) {
    std::vector<std::vector<double>> figures(contestants.size());
    for (std::size_t round = 0; round < rounds; ++round) {
        for (std::size_t turn = 0; turn < contestants.size(); ++turn) {
            const std::size_t who = round % 2 == 0 ? turn : contestants.size() - 1 - turn;
            figures[who].push_back(contestants[who]());
        }
    }
    return figures;
}

/// Nanoseconds per call of `call` in a batch of `count`: for what is too fast to be timed singly.
template <class Call>
[[nodiscard]] double batch(std::uint32_t count, Call&& call) {
    const nanoseconds before = now();
    for (std::uint32_t i = 0; i < count; ++i) call(i);
    return static_cast<double>(now() - before - read_cost()) / count;
}

}  // namespace berth::bench
