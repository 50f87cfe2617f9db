// One life of the daemon in which each call dies, or fails, once: what the random programs meet by chance, all of it.
#include "simulation/daemon_world.hpp"
#include "simulation/simulated.hpp"

#include <algorithm>

namespace berth::simulation {
namespace {

using enum daemon_step;

step of(daemon_step what, std::uint16_t a = 0, std::uint16_t b = 0, std::uint16_t c = 0) {
    return {static_cast<std::uint8_t>(what), {a, b, c}, 1};
}

/// Two askers, two blocks, a consumer with ports, a drain, a removal, a new keeper.
const std::vector<step> life = {
    of(connect, 0, 0), of(connect, 1, 1),  of(turn),           of(turn),
    of(ask, 0, 0, 40), of(turn),           of(read),           // a block of two ports
    of(ask, 0, 0, 164), of(turn),          of(read),           // one of five
    of(ask, 0, 8, 1),  of(turn),           of(read),           // whose consumer the first asker becomes
    of(fetch, 0, 0, 2), of(turn),          of(read),           of(ask, 0, 13, 1), of(turn), of(read), of(read),
    of(turn),          of(ask, 0, 14, 1),  of(turn),           of(read),          of(read), of(fetch, 0, 0, 2),
    of(turn),          of(read),           of(use, 0, 0),      of(keeper_dies),   of(turn), of(ask, 0, 4, 1),
    of(turn),          of(read),           of(give_back, 0, 0, 3), of(turn),      of(ask, 0, 4, 1), of(turn),
    of(read),          of(client_dies),    of(turn),           of(turn)};

std::string run_with(std::size_t at, const std::vector<step>& inserted, tally& kinds, tally& reached) {
    program p{4, life};
    p.steps.insert(p.steps.begin() + static_cast<std::ptrdiff_t>(at), inserted.begin(), inserted.end());
    const auto behind = {of(start, 2), of(turn), of(read), of(connect, 2, 0), of(turn), of(turn), of(ask, 0, 8, 1),
                         of(turn), of(read), of(read), of(fetch, 1, 0, 5), of(fetch, 0, 0, 5), of(turn), of(turn),
                         of(read), of(read), of(fetch, 1, 0, 5), of(fetch, 0, 0, 5), of(turn), of(turn), of(calm)};
    p.steps.insert(p.steps.end(), behind.begin(), behind.end());
    std::uint64_t operations = 0;
    const auto subject = daemon_subject();
    const auto r = run(subject, p, kinds, reached, operations);
    return r.broke.empty() ? "" : r.broke + " in BERTH_SIMULATION_PROGRAM='" + told(p, subject.kinds) + "'";
}

class daemon_sweep : public testing::Test {
protected:
    /// Every call, as counted from each of the daemon's turns.
    template <class Steps>
    void sweep(Steps steps) {
        const report counts(daemon_subject());
        tally kinds = counts.kinds, reached = counts.reached;
        for (std::size_t at = 0; at < life.size() && !HasFailure(); ++at) {
            if (life[at].what != static_cast<std::uint8_t>(turn)) continue;
            for (std::uint16_t call = 0; call < 45 && !HasFailure(); ++call) {
                EXPECT_EQ(run_with(at, steps(call), kinds, reached), "");
                ++runs_;
            }
        }
        std::cout << runs_ << " lives: " << reached.text() << '\n';
    }
    int runs_ = 0;
};

TEST_F(daemon_sweep, killed_before_every_call_and_started_again) {
    sweep([](std::uint16_t call) { return std::vector{of(kill_later, call, 0), of(turn), of(turn), of(start, 2)}; });
}
TEST_F(daemon_sweep, killed_in_every_call_and_then_the_power_fails) {
    sweep([](std::uint16_t call) {
        return std::vector{of(kill_later, call, 1), of(turn), of(start, 2), of(power_fails), of(start, 2)};
    });
}
TEST_F(daemon_sweep, killed_after_every_call_while_it_starts) {
    sweep([](std::uint16_t call) {
        return std::vector{of(kill), of(start, 0, call, 2), of(start, 2)};
    });
}
TEST_F(daemon_sweep, every_call_fails_once_and_the_daemon_is_killed) {
    sweep([](std::uint16_t call) { return std::vector{of(calls_fail, call, 0, 0), of(turn), of(kill), of(start, 2)}; });
}
TEST_F(daemon_sweep, every_call_and_those_behind_it_fail_and_the_power_fails) {
    sweep([](std::uint16_t call) {
        return std::vector{of(calls_fail, call, 3, 1), of(turn), of(turn), of(power_fails), of(start, 2)};
    });
}
TEST_F(daemon_sweep, every_call_of_a_start_fails) {
    sweep([](std::uint16_t call) {
        return std::vector{of(stop), of(start, 1, call, 1), of(start, 2)};
    });
}
TEST_F(daemon_sweep, every_call_of_a_start_fails_and_the_next_keeper_is_all_but_full) {
    sweep([](std::uint16_t call) {
        return std::vector{of(stop), of(start, 1, call, 1), of(start, 2), of(keeper_dies), of(descriptors, 0, 1, 0),
                           of(time_passes, 0, 1500), of(turn), of(turn), of(kill), of(start, 2)};
    });
}

}  // namespace
}  // namespace berth::simulation
