// `berth top` at work: scrapes all endpoints from time to time, and draws what came of it.
#pragma once

#include "target.hpp"

#include <chrono>
#include <cstddef>
#include <vector>

namespace berth::top {

struct watch_options {
    std::vector<target> targets;
    std::chrono::milliseconds interval{2000};
    bool is_interval_given = false;  ///< once: two readings so far apart, and rates between them
    bool once = false;
    std::size_t width = 0;  ///< once: of the frame; 0: the terminal's, or 100
    bool colours = false;
};

/// Until it is told to end, or after one frame. Returns the program's exit code: 0; 1: once, and an endpoint had no
/// answer.
[[nodiscard]] int watch(const watch_options& options);

}  // namespace berth::top
