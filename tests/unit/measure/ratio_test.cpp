// The ratio of two contestants and its interval: what it says of figures whose ratio is known.
#include "measure/ratio.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace {

using namespace berth::bench;

constexpr double none = std::numeric_limits<double>::quiet_NaN();

TEST(ratio, of_steady_figures_is_exact_and_certain) {
    const std::vector<double> ours(15, 30.0), theirs(15, 20.0);
    const ratio_estimate r = ratio_of_quartiles(ours, theirs);
    EXPECT_DOUBLE_EQ(r.value, 1.5);
    EXPECT_DOUBLE_EQ(r.low, 1.5);
    EXPECT_DOUBLE_EQ(r.high, 1.5);
    EXPECT_EQ(r.rounds, 15U);
}

TEST(ratio, disturbance_that_both_share_leaves_it_certain) {
    std::vector<double> ours, theirs;
    for (int k = 0; k < 21; ++k) {
        theirs.push_back(100.0 + 10 * (k % 7));
        ours.push_back(1.2 * theirs.back());
    }
    const ratio_estimate r = ratio_of_quartiles(ours, theirs);
    EXPECT_NEAR(r.value, 1.2, 1e-9);
    EXPECT_NEAR(r.low, 1.2, 1e-9);
    EXPECT_NEAR(r.high, 1.2, 1e-9);
}

TEST(ratio, noise_of_its_own_widens_the_interval_around_it) {
    std::vector<double> ours, theirs;
    for (int k = 0; k < 21; ++k) {
        theirs.push_back(100.0 + k % 5);
        ours.push_back(100.0 + (3 * k) % 7);
    }
    const ratio_estimate r = ratio_of_quartiles(ours, theirs);
    EXPECT_LT(r.low, r.high);
    EXPECT_LE(r.low, r.value);
    EXPECT_GE(r.high, r.value);
}

TEST(ratio, rounds_that_one_of_them_lacks_do_not_count) {
    const ratio_estimate r =
        ratio_of_quartiles(std::vector<double>{2, none, 2, 500}, std::vector<double>{1, 900, 1, none});
    EXPECT_EQ(r.rounds, 2U);
    EXPECT_DOUBLE_EQ(r.value, 2);
}

TEST(ratio, of_nothing_is_said_to_be_nothing) {
    EXPECT_EQ(ratio_of_quartiles({}, {}).rounds, 0U);
    EXPECT_DOUBLE_EQ(ratio_of_quartiles(std::vector<double>{none}, std::vector<double>{1}).value, 0);
}

}  // namespace
