// The report as JSON: every slice of every contestant; times in nanoseconds.
#pragma once

#include "contest/results.hpp"

#include <string>

namespace berth::bench {

/// Throws std::runtime_error if the file cannot be written.
void write_json(const report& r, const std::string& path);

}  // namespace berth::bench
