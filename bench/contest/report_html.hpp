// The report as one page with a chart per table.
#pragma once

#include "contest/results.hpp"

#include <string>

namespace berth::bench {

/// Throws std::runtime_error if the file cannot be written.
void write_html(const report& r, const std::string& path);

}  // namespace berth::bench
