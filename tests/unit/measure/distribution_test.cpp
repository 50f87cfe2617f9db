// Percentiles decide whether a target is reached: each rule of nearest rank has a test.
#include "measure/distribution.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace berth::bench {
namespace {

std::vector<std::uint32_t> shuffled_up_to(std::uint32_t n) {
    std::vector<std::uint32_t> v(n);
    std::iota(v.begin(), v.end(), 1u);
    std::shuffle(v.begin(), v.end(), std::mt19937{7});
    return v;
}

TEST(distribution, percentiles_of_a_thousand_are_their_ranks) {
    const distribution d = summarize(shuffled_up_to(1000));
    EXPECT_EQ(d.count, 1000u);
    EXPECT_EQ(d.p50, 500);
    EXPECT_EQ(d.p99, 990);
    EXPECT_EQ(d.p999, 999);
    EXPECT_EQ(d.max, 1000);
}

TEST(distribution, too_few_samples_make_the_tail_the_maximum) {
    const distribution d = summarize(shuffled_up_to(10));
    EXPECT_EQ(d.p50, 5);
    EXPECT_EQ(d.p99, 10);
    EXPECT_EQ(d.p999, 10);
}

TEST(distribution, one_sample_is_every_percentile) {
    const distribution d = summarize(std::vector<std::uint32_t>{42});
    EXPECT_EQ(d.p50, 42);
    EXPECT_EQ(d.p999, 42);
    EXPECT_EQ(d.curve.front(), 42);
    EXPECT_EQ(d.curve.back(), 42);
}

TEST(distribution, no_sample_is_no_distribution) {
    const distribution d = summarize(std::vector<std::uint32_t>{});
    EXPECT_EQ(d.count, 0u);
    EXPECT_TRUE(d.curve.empty());
}

TEST(distribution, one_outlier_in_a_thousand_shows_in_the_maximum_only) {
    std::vector<std::uint32_t> v(1000, 5);
    v[123] = 9999;
    const distribution d = summarize(v);
    EXPECT_EQ(d.p999, 5);
    EXPECT_EQ(d.max, 9999);
}

TEST(distribution, curve_rises_from_the_smallest_to_the_largest) {
    const distribution d = summarize(shuffled_up_to(777));
    ASSERT_EQ(d.curve.size(), 101u);
    EXPECT_EQ(d.curve.front(), 1);
    EXPECT_EQ(d.curve.back(), 777);
    EXPECT_TRUE(std::is_sorted(d.curve.begin(), d.curve.end()));
    EXPECT_EQ(d.curve[50], d.p50);
}

TEST(distribution, quartile_and_median_do_not_depend_on_order) {
    EXPECT_EQ(lower_quartile({8, 1, 4, 2, 7, 3, 6, 5}), 2);
    EXPECT_EQ(median({9, 1, 5}), 5);
    EXPECT_EQ(median({4, 1, 3, 2}), 2);
}

}  // namespace
}  // namespace berth::bench
