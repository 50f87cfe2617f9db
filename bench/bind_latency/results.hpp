// What a run found, before anybody prints it: table, JSON and page are three views of this one value.
#pragma once

#include "bind_latency/scene.hpp"
#include "bind_latency/strategy.hpp"
#include "process/surroundings.hpp"
#include "measure/distribution.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::bench {

/// One strategy in one scene.
struct cell {
    protocol transport = protocol::udp;
    fill_style fill = fill_style::none;
    double occupancy = 0;
    unsigned threads = 1;
    const strategy_entry* entry = nullptr;
    distribution time;  // nanoseconds per take; count 0: it did not run
    std::uint64_t attempts = 0;
    std::uint64_t failures = 0;
    std::string reason;  // why it did not run
    double ratio = 0;    // p50 of the scene's first strategy / own p50: how many times faster; 0: unknown
};

/// One promise of the project, and whether this run kept it.
struct target {
    std::string what;
    std::string goal;
    std::string measured;
    std::optional<bool> reached;  // nothing: could not be measured here; `measured` says why
};

/// One line of the closing table, for a reader who knows nothing of berth.
struct plain_line {
    std::string wish;
    distribution theirs, ours;
};

struct report {
    surroundings where;
    std::string machine, kernel, when, mode;
    std::uint32_t block_ports = 0;
    std::int64_t clock_cost = 0;
    double seconds = 0;
    std::vector<cell> cells;
    std::vector<cell> outbound;
    std::vector<target> targets;
    std::vector<plain_line> plain;
};

/// The cell of these coordinates, if it ran; threads 1.
[[nodiscard]] const cell* find_cell(const std::vector<cell>& cells, std::string_view strategy, protocol transport,
                                    fill_style fill, double occupancy);

/// The lines of the closing table, from the cells of a finished run.
[[nodiscard]] std::vector<plain_line> plain_lines(const report& r);

}  // namespace berth::bench
