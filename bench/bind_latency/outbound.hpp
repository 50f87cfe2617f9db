// The outbound table: a connection over loopback from the kernel's choice of port, and from one that is ours already.
#pragma once

#include "bind_latency/drained_listener.hpp"
#include "bind_latency/options.hpp"
#include "bind_latency/results.hpp"
#include "report/progress.hpp"

#include <vector>

namespace berth::bench {

[[nodiscard]] std::size_t outbound_steps(const options& o);
[[nodiscard]] std::vector<cell> run_outbound(const options& o, const surroundings& where, filler& crowd,
                                             drained_listener& server, progress& bar);

}  // namespace berth::bench
