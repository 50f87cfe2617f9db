// How many times dearer one contestant is than another, and how sure that is.
//
// The ratio is of the two lower quartiles. Its 95 % interval is a bootstrap over rounds: rounds are drawn again with
// replacement, both contestants' figures of a round together, because they were measured one after the other and
// share what disturbed them. The draws start from a fixed seed: the same figures give the same interval.
#pragma once

#include "measure/distribution.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace berth::bench {

struct ratio_estimate {
    double value = 0;          // 0: there was nothing to compare
    double low = 0, high = 0;  // 95 % interval
    std::size_t rounds = 0;    // in which both have a figure
};

/// figures[k] is of round k; not a number: the contestant has none of that round.
[[nodiscard]] inline ratio_estimate ratio_of_quartiles(std::span<const double> ours, std::span<const double> theirs) {
    std::vector<double> above, below;
    for (std::size_t k = 0; k < ours.size() && k < theirs.size(); ++k) {
        if (std::isnan(ours[k]) || std::isnan(theirs[k])) continue;
        above.push_back(ours[k]);
        below.push_back(theirs[k]);
    }
    ratio_estimate estimate;
    estimate.rounds = above.size();
    if (above.empty() || lower_quartile(below) <= 0) return estimate;
    estimate.value = lower_quartile(above) / lower_quartile(below);

    constexpr std::size_t draws = 2000;
    std::uint64_t state = 0x2545f4914f6cdd1d;
    std::vector<double> ratios, drawn_above(above.size()), drawn_below(above.size());
    for (std::size_t draw = 0; draw < draws; ++draw) {
        for (std::size_t k = 0; k < above.size(); ++k) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            const std::size_t round = state % above.size();
            drawn_above[k] = above[round];
            drawn_below[k] = below[round];
        }
        const double divisor = lower_quartile(drawn_below);
        if (divisor > 0) ratios.push_back(lower_quartile(drawn_above) / divisor);
    }
    std::sort(ratios.begin(), ratios.end());
    estimate.low = nearest_rank(std::span<const double>{ratios}, 0.025);
    estimate.high = nearest_rank(std::span<const double>{ratios}, 0.975);
    return estimate;
}

}  // namespace berth::bench
