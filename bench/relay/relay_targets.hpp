// What berth's relay is to reach beside coturn, and whether it did in this run.
#pragma once

#include "contest/results.hpp"

#include <vector>

namespace berth::bench {

[[nodiscard]] std::vector<target_result> relay_targets_of(const report& r);

}  // namespace berth::bench
