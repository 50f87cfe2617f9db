// The bitmap alone, one thread: shapes of blocks, pairs, exhaustion, and that a search finds the last port anywhere.
#include "claim/port_bitmap.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <tuple>
#include <vector>

namespace {

using berth::claim::draw;
using berth::claim::none;
using bitmap = berth::claim::port_bitmap<>;

class port_bitmap_of : public testing::TestWithParam<std::tuple<std::uint16_t, std::uint32_t>> {
protected:
    const std::uint16_t first_ = std::get<0>(GetParam());
    const std::uint32_t count_ = std::get<1>(GetParam());
    bitmap ports_{first_, count_};

    void put_back_all() {
        for (std::uint32_t i = 0; i < count_; ++i) ports_.put_back(i);
    }
    [[nodiscard]] std::uint32_t any_place() {
        return std::uniform_int_distribution<std::uint32_t>{0, count_ - 1}(rng_);
    }
    std::mt19937 rng_{7};
};

TEST_P(port_bitmap_of, is_exhausted_until_ports_are_put_back) {
    EXPECT_EQ(ports_.claim(ports_.place_of(0u)), none);
    EXPECT_EQ(ports_.claim_pair(ports_.place_of(0u)), none);
    EXPECT_FALSE(ports_.claim_given(0));
    EXPECT_EQ(ports_.available(), 0u);
}

TEST_P(port_bitmap_of, claims_each_port_exactly_once) {
    put_back_all();
    std::vector<bool> claimed(count_);
    for (std::uint32_t i = 0; i < count_; ++i) {
        const std::uint32_t index = ports_.claim(ports_.place_of(any_place()));
        ASSERT_LT(index, count_);
        ASSERT_FALSE(claimed[index]) << index << " has two owners";
        claimed[index] = true;
    }
    EXPECT_EQ(ports_.claim(ports_.place_of(0u)), none);
}

TEST_P(port_bitmap_of, finds_the_only_port_from_everywhere) {
    for (int round = 0; round < 300; ++round) {
        const std::uint32_t only = any_place();
        const std::uint32_t from = any_place();
        const auto number = static_cast<std::uint8_t>(round % 64);
        ports_.put_back(only);
        const draw d{static_cast<std::uint16_t>(rng_()), number, 64};
        ASSERT_EQ(ports_.claim(round % 2 == 0 ? ports_.place_of(from) : ports_.place_of(d)), only) << "from " << from;
        ASSERT_EQ(ports_.claim(ports_.place_of(from)), none);
    }
}

TEST_P(port_bitmap_of, pairs_are_an_even_port_and_its_sibling) {
    put_back_all();
    std::set<std::uint32_t> firsts;
    for (std::uint32_t index; (index = ports_.claim_pair(ports_.place_of(any_place()))) != none;) {
        ASSERT_EQ((first_ + index) % 2, 0u);
        ASSERT_LT(index + 1, count_);
        ASSERT_TRUE(firsts.insert(index).second);
        ASSERT_FALSE(ports_.claim_given(index));
        ASSERT_FALSE(ports_.claim_given(index + 1));
    }
    const std::uint32_t leading_odd = first_ % 2;
    EXPECT_EQ(firsts.size(), count_ < leading_odd ? 0 : (count_ - leading_odd) / 2);
    EXPECT_EQ(ports_.available(), count_ - 2 * firsts.size()) << "a broken pair was claimed in part";
}

TEST_P(port_bitmap_of, a_given_port_is_claimed_once) {
    put_back_all();
    for (std::uint32_t i = 0; i < count_; i += 1 + i / 3) {
        EXPECT_TRUE(ports_.claim_given(i));
        EXPECT_FALSE(ports_.claim_given(i));
        ports_.put_back(i);
        EXPECT_TRUE(ports_.claim_given(i));
    }
}

TEST_P(port_bitmap_of, agrees_with_a_set_over_a_random_walk) {
    std::set<std::uint32_t> available;
    std::vector<std::uint32_t> owned(count_);
    for (std::uint32_t i = 0; i < count_; ++i) owned[i] = i;
    // Swings between nearly full and nearly empty, so that hints rise and fall.
    for (int step = 0; step < 20000; ++step) {
        const bool fill = (step / 3000) % 2 == 0;
        if (!owned.empty() && rng_() % 4 < (fill ? 3u : 1u)) {
            const std::size_t which = rng_() % owned.size();
            ports_.put_back(owned[which]);
            available.insert(owned[which]);
            owned[which] = owned.back();
            owned.pop_back();
            continue;
        }
        const std::uint32_t index = ports_.claim(ports_.place_of(any_place()));
        ASSERT_EQ(index == none, available.empty());
        if (index == none) continue;
        ASSERT_EQ(available.erase(index), 1u);
        owned.push_back(index);
    }
    EXPECT_EQ(ports_.available(), available.size());
}

INSTANTIATE_TEST_SUITE_P(shapes, port_bitmap_of,
                         testing::Combine(testing::Values(std::uint16_t{1}, std::uint16_t{2}),
                                          testing::Values(1u, 2u, 8u, 31u, 32u, 33u, 64u, 255u, 1024u, 2049u, 16384u,
                                                          65534u)));

TEST(port_bitmap, threads_start_on_lines_of_their_own) {
    // 64 ports are two words: two threads must not meet on one.
    const bitmap small{20000, 64};
    const bitmap large{20000, 16384};
    for (std::uint32_t bits = 0; bits < 65536; bits += 7) {
        const auto b = static_cast<std::uint16_t>(bits);
        EXPECT_EQ(small.place_of(draw{b, 0, 2}).at / 32, 0u);
        EXPECT_EQ(small.place_of(draw{b, 1, 2}).at / 32, 1u);
        EXPECT_EQ(large.place_of(draw{b, 5, 4}).at / 32 / 8 % 4, 1u);
    }
}

TEST(port_bitmap, a_lone_thread_starts_evenly_over_the_block) {
    const bitmap ports{20001, 100};
    std::vector<int> starts(101);
    for (std::uint32_t bits = 0; bits < 65536; ++bits) {
        ++starts.at(ports.place_of(draw{static_cast<std::uint16_t>(bits), 0, 1}).at);
    }
    EXPECT_EQ(starts[0], 0) << "the even port below the block is not one of its ports";
    for (std::size_t at = 1; at <= 100; ++at) EXPECT_NEAR(starts[at], 65536 / 100, 1);
}

}  // namespace
