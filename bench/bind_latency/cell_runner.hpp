// Runs the strategies of one scene in turns, on one thread or several.
#pragma once

#include "bind_latency/results.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace berth::bench {

/// A strategy that lives as long as its transport is measured: reservations are made once, not per scene.
struct standing_strategy {
    const strategy_entry* entry = nullptr;
    std::unique_ptr<strategy> made;
};

struct pace {
    slice_order slice;
    std::size_t rounds = 15;
};

/// One cell per strategy, same order. What cannot be prepared has its reason instead of figures.
/// One thread: the calling one, so that a process with a single thread is measured as such.
[[nodiscard]] std::vector<cell> run_scene(const scene& s, std::vector<standing_strategy>& strategies, const pace& p);

/// Binds the calling thread to a core, if it may; the n-th thread to the n-th core.
void stay_on_core(unsigned n) noexcept;

}  // namespace berth::bench
