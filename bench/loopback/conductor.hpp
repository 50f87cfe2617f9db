// One scenario: all servers are started, then take turns slice by slice; who does not have its turn sleeps.
//
// A contestant that stops answering is out of this scenario, with its reason; the others go on.
#pragma once

#include "contest/results.hpp"
#include "loopback/registry.hpp"
#include "measure/clock.hpp"
#include "process/cores.hpp"
#include "report/progress.hpp"

#include <cstddef>
#include <vector>

namespace berth::bench {

struct pace {
    std::size_t rounds = 19;
    nanoseconds slice = 35'000'000;
    nanoseconds patience = 2'000'000'000;  // how long a server may be silent
    unsigned most_connections = 100'000;   // a scenario with more is run with so many
};

/// What both need to know.
struct setting {
    pace speed;
    core_pair cores;
    std::uint64_t descriptors = 1024;  // that this process and each server may have
};

/// Two tables if the scenario asks for its tail as well.
[[nodiscard]] std::vector<scene_result> run_scenario(const scenario& s, const setting& where,
                                                     const std::vector<const contestant_entry*>& contestants,
                                                     progress& bar);

/// How often run_scenario() moves the bar.
[[nodiscard]] std::size_t steps_of(const scenario& s, const pace& speed,
                                   const std::vector<const contestant_entry*>& contestants);

}  // namespace berth::bench
