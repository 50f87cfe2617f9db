// Which charts the page shows, as HTML: occupancy lines, bars and cumulative curves per transport, and outbound.
#pragma once

#include "bind_latency/results.hpp"

#include <string>

namespace berth::bench {

[[nodiscard]] std::string charts_section(const report& r);

}  // namespace berth::bench
