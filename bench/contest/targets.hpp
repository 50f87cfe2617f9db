// What ratios of a run are to be, and whether they were: each is of two contestants of one scene.
#pragma once

#include "contest/results.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace berth::bench {

struct target {
    std::string_view scene;
    headline figure;
    std::string_view contestant;
    double limit;
    std::string_view against;  // empty: the best that sleeps of those not berth's; a limit of bytes for memory
};

/// Those whose contestants took part. One is reached when the lower end of the 95 % interval is within the limit.
/// What a contestant named like <something>_again shows is printed beside it as noise.
[[nodiscard]] std::vector<target_result> judge(const report& r, std::span<const target> targets);

}  // namespace berth::bench
