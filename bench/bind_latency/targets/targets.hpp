// The project's promises, measured: one file per subject in this folder, each returns the lines it measured.
//
// Every figure is a ratio of things that took turns within this run; medians of at least 15 slices each (fewer in a
// smoke run). A target that cannot be measured here is listed with the reason.
#pragma once

#include "bind_latency/filler.hpp"
#include "bind_latency/options.hpp"
#include "bind_latency/results.hpp"
#include "report/progress.hpp"

#include <vector>

namespace berth::bench {

[[nodiscard]] std::size_t target_steps();
/// `r` has its cells already: some targets are read off them.
[[nodiscard]] std::vector<target> run_targets(const options& o, const report& r, filler& crowd, progress& bar);

}  // namespace berth::bench
