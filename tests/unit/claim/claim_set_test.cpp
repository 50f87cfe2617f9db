// The claim as the reservation sees it, one thread: orders, cooling, exhaustion and the price of an idle port.
#include "claim/claim_set.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

namespace {

using berth::draw_order;
using berth::claim::claim_set;
using berth::claim::none;

void fill(claim_set& set, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) set.put_back(i);
}

class claim_set_in : public testing::TestWithParam<draw_order> {};

TEST_P(claim_set_in, hands_out_every_port_and_then_none) {
    claim_set set{20001, 100, GetParam()};
    EXPECT_EQ(set.claim(), none);
    fill(set, 100);
    std::set<std::uint32_t> drawn;
    for (int i = 0; i < 100; ++i) drawn.insert(set.claim());
    EXPECT_EQ(drawn.size(), 100u);
    EXPECT_EQ(*drawn.rbegin(), 99u);
    EXPECT_EQ(set.claim(), none);
    EXPECT_EQ(set.claim_pair(), none);
    set.put_back(42);
    EXPECT_EQ(set.claim(), 42u);
}

TEST_P(claim_set_in, a_claim_skips_ports_that_went_by_number_or_in_pairs) {
    claim_set set{20000, 8, GetParam()};
    fill(set, 8);
    ASSERT_TRUE(set.claim_given(0));
    const std::uint32_t pair = set.claim_pair();
    ASSERT_NE(pair, none);
    std::set<std::uint32_t> taken{0, pair, pair + 1};
    for (std::uint32_t i; (i = set.claim()) != none;) EXPECT_TRUE(taken.insert(i).second) << i << " twice";
    EXPECT_EQ(taken.size(), 8u);
}

TEST_P(claim_set_in, a_cooling_port_is_not_available_until_it_is_due) {
    claim_set set{20000, 8, GetParam()};
    fill(set, 8);
    EXPECT_FALSE(set.anything_cooling());
    std::vector<std::uint32_t> all;
    for (std::uint32_t i; (i = set.claim()) != none;) all.push_back(i);
    for (std::size_t i = 0; i < all.size(); ++i) set.cool(all[i], 100 + i);
    EXPECT_TRUE(set.anything_cooling());
    EXPECT_EQ(set.claim(), none);
    EXPECT_FALSE(set.claim_given(3));
    EXPECT_EQ(set.next_due(99), none);
    EXPECT_EQ(set.next_due(101), all[0]);
    EXPECT_EQ(set.next_due(101), all[1]);
    EXPECT_EQ(set.next_due(101), none);
    set.put_back(all[0]);
    EXPECT_EQ(set.claim(), all[0]);
    for (std::size_t i = 2; i < all.size(); ++i) EXPECT_EQ(set.next_due(~std::uint64_t{0}), all[i]);
    EXPECT_FALSE(set.anything_cooling());
}

INSTANTIATE_TEST_SUITE_P(orders, claim_set_in, testing::Values(draw_order::random, draw_order::first_in_first_out));

TEST(claim_set, first_in_first_out_hands_out_what_has_waited_longest) {
    claim_set set{20000, 5, draw_order::first_in_first_out};
    for (const std::uint32_t i : {3u, 1u, 4u, 0u, 2u}) set.put_back(i);
    EXPECT_EQ(set.claim(), 3u);
    EXPECT_EQ(set.claim(), 1u);
    set.put_back(3);
    EXPECT_EQ(set.claim(), 4u);
    EXPECT_EQ(set.claim(), 0u);
    EXPECT_EQ(set.claim(), 2u);
    EXPECT_EQ(set.claim(), 3u);
    EXPECT_EQ(set.claim(), none);
}

TEST(claim_set, first_in_first_out_sends_a_port_that_went_by_number_to_the_end) {
    claim_set set{20000, 4, draw_order::first_in_first_out};
    fill(set, 4);
    for (int turn = 0; turn < 3; ++turn) {
        ASSERT_TRUE(set.claim_given(0));
        set.put_back(0);
    }
    for (const std::uint32_t i : {1u, 2u, 3u, 0u}) EXPECT_EQ(set.claim(), i);
}

TEST(claim_set, first_in_first_out_pairs_start_at_the_port_that_has_waited_longest) {
    claim_set set{20000, 64, draw_order::first_in_first_out};
    for (std::uint32_t i = 0; i < 64; ++i) set.put_back((i + 41) % 64);
    EXPECT_EQ(set.claim_pair(), 40u) << "the pair of port 41 is 40 and 41";
}

}  // namespace
