// A simulation as a GoogleTest case: runs, prints its report, and fails with the commands that replay what it found.
#pragma once

#include "simulation/last_words.hpp"
#include "simulation/simulation.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <string>

namespace berth::simulation {

/// `operations` at least, unless the environment says otherwise (see options). Also fails if a kind of step, or a
/// mark, was never reached, where there was room for it.
inline report simulated(const subject& s, std::uint64_t operations) {
    const auto* const info = testing::UnitTest::GetInstance()->current_test_info();
    const std::string test = std::string(info->test_suite_name()) + '.' + info->name();
    const std::string executable = testing::internal::GetArgvs().at(0);
    last_words::replays_with(executable, test);
    auto r = simulate(s, read_options(operations));
    std::cout << r.text(s) << '\n';
    if (r.found) {
        ADD_FAILURE() << r.found->broke << "\n  " << replay_commands(*r.found, s, executable, test);
    } else if (r.operations >= 100'000) {
        EXPECT_EQ(r.kinds.never(), "");
        EXPECT_EQ(r.reached.never(), "");
    }
    return r;
}

}  // namespace berth::simulation
