// The report on the terminal.
#pragma once

#include "bind_latency/results.hpp"

namespace berth::bench {

/// everything: each scene's table; otherwise the emptiest and the most crowded ones, on one thread.
void print_report(const report& r, bool everything);

}  // namespace berth::bench
