// The big table: transport x fill x occupancy x threads, all strategies taking turns in each.
#pragma once

#include "bind_latency/filler.hpp"
#include "bind_latency/options.hpp"
#include "bind_latency/results.hpp"
#include "report/progress.hpp"

#include <vector>

namespace berth::bench {

[[nodiscard]] std::size_t matrix_steps(const options& o);
[[nodiscard]] std::vector<cell> run_matrix(const options& o, const surroundings& where, filler& crowd, progress& bar);

}  // namespace berth::bench
