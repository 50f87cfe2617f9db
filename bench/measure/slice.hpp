// One slice: an operation and its undoing, over and over for a given time; only the operation is timed.
//
// A slice ends when its time is over and enough samples were seen, and at four times its time in any case: an
// operation of a millisecond still gets some samples, one of ten nanoseconds does not get millions.
#pragma once

#include "measure/clock.hpp"
#include "measure/recorder.hpp"

#include <cstdint>

namespace berth::bench {

struct slice_order {
    nanoseconds duration = 3'000'000;
    std::uint32_t enough = 12;
};

/// take() returns whether it got what it wanted; a failed one is timed, counted, and not undone.
template <class Take, class GiveBack>
void run_slice(const slice_order& order, recorder& out, Take&& take, GiveBack&& give_back) {
    const nanoseconds cost = read_cost();
    const nanoseconds start = now();
    for (std::uint32_t done = 0;;) {
        const nanoseconds before = now();
        const bool taken = take();
        const nanoseconds after = now();
        out.record(after - before - cost);
        if (taken)
            give_back();
        else
            out.record_failure();
        ++done;
        const nanoseconds elapsed = after - start;
        if ((elapsed >= order.duration && done >= order.enough) || elapsed >= 4 * order.duration) return;
    }
}

}  // namespace berth::bench
