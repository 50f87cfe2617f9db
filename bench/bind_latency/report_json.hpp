// The report as JSON: every cell, every target, all percentiles and curves; times in nanoseconds.
#pragma once

#include "bind_latency/results.hpp"

#include <string>

namespace berth::bench {

/// Throws std::runtime_error if the file cannot be written.
void write_json(const report& r, const std::string& path);

}  // namespace berth::bench
