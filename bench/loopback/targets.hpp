// What the data path is to reach; see contest/targets.hpp.
#pragma once

#include "contest/results.hpp"

#include <vector>

namespace berth::bench {

[[nodiscard]] std::vector<target_result> targets_of(const report& r);

}  // namespace berth::bench
