// The report as one page: no other file, no network, no script; readable on a phone, in light and in dark.
#pragma once

#include "bind_latency/results.hpp"

#include <string>

namespace berth::bench {

/// Throws std::runtime_error if the file cannot be written.
void write_html(const report& r, const std::string& path);

}  // namespace berth::bench
