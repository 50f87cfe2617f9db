// What a reading says of berth: blocks, pools, servers, backends, the daemon. Pure: of one exposition alone.
//
// Names are those of berth::service (published.hpp) and of `berthctl status --prometheus`; whatever else a program
// exposes is passed over. What is missing stays unsaid: an old program has no backend here, and is shown all the
// same.
#pragma once

#include "exposition.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::top {

inline constexpr std::array<const char*, 6> port_states{"available", "taken",   "open",
                                                        "draining",  "cooling", "condemned"};

/// A histogram's buckets: how many were at most so large.
using buckets = std::map<double, double>;

struct block_figures {
    std::array<double, port_states.size()> ports{};
    double total = 0;  ///< also of states that are not among these
    std::optional<double> takes, exhausted;
    buckets take_seconds;
};

struct server_figures {
    std::optional<double> connections, accepted, refused;
};

/// A persistent block, as berthd has it.
struct kept_figures {
    double ports = 0, out = 0, consumers = 0;
    bool is_held = true;
};

struct backend_figures {
    std::string name, reason;
    std::optional<double> shards;
};

struct daemon_figures {
    double blocks = 0, held = 0, ports = 0, out = 0, consumers = 0;
};

struct figures {
    std::map<std::string, block_figures> blocks;
    std::map<std::string, server_figures> servers;
    std::map<std::string, kept_figures> kept;
    std::vector<backend_figures> backends;
    std::optional<daemon_figures> daemon;
    bool is_draining = false;
    std::optional<bad_line> first_bad;
    std::size_t bad_count = 0;
};

[[nodiscard]] figures figures_of(const exposition& read);

/// How long `share` (0 to 1) of the samples took at most: within its bucket the time grows evenly, as Prometheus has
/// it. Beyond the last bound: that bound. Nothing: there are no samples, or they are none of a histogram.
[[nodiscard]] std::optional<double> quantile(const buckets& of, double share);

/// What was counted in a second. Nothing: no earlier reading, no time between, or it went back: another process.
[[nodiscard]] std::optional<double> rate(std::optional<double> before, std::optional<double> now, double seconds);

}  // namespace berth::top
