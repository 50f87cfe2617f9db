// The simulation's own parts: a planted failure is found, replayed alike, and shrunk to its least program.
#include "platform/random_bytes.hpp"
#include "simulation/seeded_bytes.hpp"
#include "simulation/seeded_random.hpp"
#include "simulation/simulation.hpp"
#include "simulation/virtual_clock.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

namespace berth::simulation {
namespace {

enum kind : std::uint8_t { deposit, withdraw, close, noise };
constexpr std::array<step_kind, 4> kinds = {{{"deposit", 10}, {"withdraw", 5}, {"close", 1}, {"noise", 20}}};
constexpr std::array<const char*, 1> marks = {"overdrawn"};

/// Breaks at a withdrawal after three deposits of 500 or more since it was closed last.
class planted final : public world {
public:
    planted(tally& reached, std::uint64_t drift) : reached_(reached), digest_(drift) {}
    outcome go(const step& s) override {
        digest_ = digest_ * 31 + s.what + seeded_random(s.seed).below(100);
        if (s.what == deposit && s.with[0] >= 500) ++large_;
        if (s.what == close) large_ = 0;
        if (s.what != withdraw) return {.did = s.what != noise, .broke = {}};
        if (large_ < 3) return {.did = true, .broke = {}};
        reached_(0);
        return {.did = true, .broke = "balance: " + std::to_string(large_) + " large ones"};
    }
    std::string end() override { return {}; }
    std::uint64_t digest() const override { return digest_; }

private:
    tally& reached_;
    std::uint64_t digest_;
    int large_ = 0;
};

subject planted_subject() {
    return {"planted", kinds, marks, 400,
            [](std::uint64_t, tally& reached) { return std::make_unique<planted>(reached, 0); }};
}

TEST(simulation, finds_a_planted_failure_and_shrinks_it_to_its_least_program) {
    const auto s = planted_subject();
    const report r = simulate(s, {.operations = 100'000});
    ASSERT_TRUE(r.found);
    EXPECT_EQ(r.found->broke.substr(0, 7), "balance");
    EXPECT_EQ(r.reached.never(), "");
    const program& least = r.found->least;
    ASSERT_EQ(least.steps.size(), 4U) << told(least, kinds);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(least.steps[i], (step{deposit, {500, 0, 0}, 0}));
    EXPECT_EQ(least.steps[3], (step{withdraw, {0, 0, 0}, 0}));
}

TEST(simulation, replays_a_seed_and_a_written_program_alike) {
    const auto s = planted_subject();
    const report r = simulate(s, {.operations = 100'000});
    ASSERT_TRUE(r.found);
    const report again =
        simulate(s, {.operations = 1, .first_seed = 1, .only_seed = r.found->seed, .only_program = {}});
    ASSERT_TRUE(again.found);
    EXPECT_EQ(again.found->broke, r.found->broke);
    EXPECT_EQ(again.found->steps, r.found->steps);
    EXPECT_EQ(again.found->least, r.found->least);
    const std::string text = told(r.found->least, kinds);
    const report written = simulate(s, {.operations = 1, .first_seed = 1, .only_seed = {}, .only_program = text});
    ASSERT_TRUE(written.found);
    EXPECT_EQ(written.found->broke, "balance: 3 large ones");
    const std::string commands = replay_commands(*r.found, s, "/somewhere/a_test", "suite.name");
    EXPECT_NE(commands.find("BERTH_SIMULATION_SEED=" + std::to_string(r.found->seed) +
                            " /somewhere/a_test --gtest_filter=suite.name"),
              std::string::npos)
        << commands;
    EXPECT_NE(commands.find("BERTH_SIMULATION_PROGRAM='" + text + "'"), std::string::npos) << commands;
}

TEST(simulation, says_that_a_program_does_not_repeat_itself) {
    std::uint64_t worlds = 0;
    auto s = planted_subject();
    s.make = [&](std::uint64_t, tally& reached) { return std::make_unique<planted>(reached, ++worlds); };
    const report r = simulate(s, {.operations = 100'000});
    ASSERT_TRUE(r.found);
    EXPECT_EQ(r.found->broke.substr(0, 6), "replay");
}

TEST(simulation, draws_the_same_program_from_a_seed_on_every_system) {
    seeded_random random(42);
    EXPECT_EQ(random.next(), 13679457532755275413U);  // splitmix64's published first number for this seed
    EXPECT_EQ(draw_program(7, kinds, 100), draw_program(7, kinds, 100));
    EXPECT_NE(draw_program(7, kinds, 100), draw_program(8, kinds, 100));
}

TEST(simulation, reads_what_it_writes_and_names_what_is_no_program) {
    for (std::uint64_t seed = 1; seed < 200; ++seed) {
        const program p = draw_program(seed, kinds, 60);
        program read;
        EXPECT_EQ(read_program(told(p, kinds), kinds, read), "");
        EXPECT_EQ(read, p);
    }
    program ignored;
    EXPECT_NE(read_program("none", kinds, ignored).find("'none'"), std::string::npos);
    EXPECT_NE(read_program("1 jump:0,0,0@1", kinds, ignored).find("'jump:0,0,0@1'"), std::string::npos);
    EXPECT_NE(read_program("1 deposit:0,0", kinds, ignored).find("'deposit:0,0'"), std::string::npos);
}

TEST(simulation, has_a_clock_that_stands_until_told) {
    using clock = std::chrono::steady_clock;
    const auto before = clock::now();
    EXPECT_EQ(clock::now(), before);
    virtual_clock::pass(std::chrono::hours(5));
    EXPECT_EQ(clock::now() - before, std::chrono::hours(5));
}

TEST(simulation, has_a_random_generator_that_repeats_itself) {
    const auto draw = [](std::uint64_t seed) {
        seeded_bytes::seed(seed);
        std::array<unsigned char, 21> bytes{};
        platform::random_bytes(bytes.data(), bytes.size());
        return bytes;
    };
    EXPECT_EQ(draw(5), draw(5));
    EXPECT_NE(draw(5), draw(6));
}

TEST(simulation, reports_a_sound_subject) {
    auto s = planted_subject();
    s.longest = 3;  // too short to break
    const report r = simulate(s, {.operations = 1000});  // whatever the environment says
    EXPECT_FALSE(r.found);
    EXPECT_GE(r.operations, 1000U);
    EXPECT_NE(r.text(s).find("planted: 1,0"), std::string::npos) << r.text(s);
}

}  // namespace
}  // namespace berth::simulation
