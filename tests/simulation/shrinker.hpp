// A failing program made small: the fewest steps, and the smallest arguments, that still fail in the same way.
//
// Delta debugging: chunks of the list are left out, from half of it down to single steps, until no single step can be
// spared; then arguments and seeds are made 0, or smaller. Each candidate is run, so that what comes out does fail.
#pragma once

#include "simulation/program.hpp"

#include <functional>
#include <string>

namespace berth::simulation {

/// Runs a candidate: what broke ("rule: details"), or empty. `at`: the step that broke it.
using trial = std::function<std::string(const program&, std::size_t& at)>;

struct shrunk {
    program least;
    std::string broke;     ///< of `least`
    std::size_t runs = 0;  ///< candidates that were tried
};

/// Pre: `found` fails. A failure is the same as long as its rule, the words before the first ':', is.
shrunk shrink(const program& found, const trial& run, std::size_t most_runs = 20'000);

}  // namespace berth::simulation
