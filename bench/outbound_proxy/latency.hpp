// What a proxy adds to a connect when a tenth, and when nine tenths of its tuples are in use: proxies in turns, one
// run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace berth::bench {

struct latency_options {
    std::string proxy, haproxy;  ///< programs; no haproxy: it is left out
    std::uint32_t ports = 64, destinations = 100;
    std::vector<std::uint32_t> fills{10, 90};  ///< percent of ports times destinations
    std::uint32_t probes = 200, rounds = 15;   ///< connects of each proxy in a round
};

/// 0; 1: something did not work, and is on the standard error.
int compare_latencies(const latency_options& o);

}  // namespace berth::bench
