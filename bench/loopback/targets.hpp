// What the data path is to reach, and whether it did in this run: ratios of two contestants of one scene.
#pragma once

#include "loopback/results.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace berth::bench {

struct target_result {
    std::string what;      // "TCP echo, 64 B, 50 connections: berth, its own calls"
    std::string goal;      // "at most 1.03x raw io_uring"
    std::string measured;  // "1.01x (0.99..1.03), A/A 1.00"
    bool is_reached = false;
};

/// Those whose contestants took part. One is reached when the lower end of the 95 % interval is within the limit.
[[nodiscard]] std::vector<target_result> targets_of(const report& r);

}  // namespace berth::bench
