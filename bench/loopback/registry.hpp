// Who is measured. A new contestant is one line in registry.cpp and one berth_contestant() in a CMakeLists.txt.
#pragma once

#include "loopback/scenario.hpp"

#include <string_view>
#include <vector>

namespace berth::bench {

struct contestant_entry {
    std::string_view name;        // on the command line and in JSON
    std::string_view label;       // for people
    std::string_view executable;  // in the folder `contestants` beside the program
    std::vector<load_kind> takes_part;
    int colour = 0;                           // of the page: 0 to 5 for others, 6 to 9 for berth
    std::vector<std::string_view> arguments;  // beyond the contract's
    std::vector<load_kind> may_fail;          // where a failure is a finding and no fault of this benchmark
    std::string_view why_it_may;
};

/// The first one that runs is what the others' ratios are against.
[[nodiscard]] const std::vector<contestant_entry>& all_contestants();

[[nodiscard]] bool takes_part(const contestant_entry& entry, const scenario& s);
[[nodiscard]] bool may_fail(const contestant_entry& entry, const scenario& s);

}  // namespace berth::bench
