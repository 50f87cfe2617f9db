// What an idle connection costs a server in memory of its own; what the kernel keeps for it is not in it.
#pragma once

#include "loopback/registry.hpp"
#include "measure/clock.hpp"

namespace berth::bench {

/// Growth of the server's anonymous memory while s.connections are opened, each of which has one echo and then does
/// nothing; a tenth as many were there before, so that what is allocated once does not count. Throws server_silent or
/// std::runtime_error.
[[nodiscard]] double idle_bytes_per_connection(const contestant_entry& entry, const scenario& s, int core,
                                               nanoseconds patience);

}  // namespace berth::bench
