// berthd's status in Prometheus' text format: what `berthctl status --prometheus` prints and `berth top` shows.
#pragma once

#include <berth/persistent.hpp>

#include <string>
#include <vector>

namespace berth::tools {

/// berthd_… of the daemon, and berthd_block_…{block} of each block, e.g. "udp 5000-5019".
[[nodiscard]] std::string metrics_text(const service_status& now, const std::vector<persistent_block>& blocks);

}  // namespace berth::tools
