// The clock every figure is read from: monotonic nanoseconds, and what reading it costs.
//
// One read costs about 20 ns, more than a claim. A single operation is therefore recorded less `read_cost()`, and
// whatever is faster than about 100 ns is timed in batches as well (batch.hpp).
#pragma once

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace berth::bench {

using nanoseconds = std::int64_t;

inline nanoseconds now() noexcept {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return nanoseconds{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

/// Median distance of two reads with nothing between them; measured once.
inline nanoseconds read_cost() noexcept {
    static const nanoseconds cost = [] {
        std::array<nanoseconds, 2001> gaps{};
        for (auto& gap : gaps) {
            const nanoseconds before = now();
            gap = now() - before;
        }
        std::nth_element(gaps.begin(), gaps.begin() + 1000, gaps.end());
        return gaps[1000];
    }();
    return cost;
}

/// Keeps the compiler from dropping or moving a value's computation.
template <class T>
inline void keep(const T& value) noexcept {
    asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace berth::bench
