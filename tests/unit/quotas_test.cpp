// Quotas: what a key may hold, all or nothing, counted to the last one, also when many threads take and return.
#include <berth/quotas.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using berth::errc;
using berth::error_code;
using berth::quota_hold;

TEST(quotas, who_holds_all_that_it_may_is_refused_and_counted) {
    berth::quotas quotas({.each = 2});
    error_code ec;
    const auto one = quotas.take("anna", ec);
    const auto two = quotas.take("anna", ec);
    ASSERT_FALSE(ec);
    EXPECT_EQ(quotas.held("anna"), 2u);
    const auto three = quotas.take("anna", ec);
    EXPECT_EQ(ec, errc::quota_exceeded);
    EXPECT_EQ(ec, std::errc::resource_unavailable_try_again);
    EXPECT_EQ(ec.message(), "the quota is used up");
    EXPECT_FALSE(three);
    EXPECT_EQ(three.count(), 0u);
    const auto other = quotas.take("bert", ec);
    EXPECT_FALSE(ec) << "another key has its own";
    const auto books = quotas.statistics();
    EXPECT_EQ(books.keys, 2u);
    EXPECT_EQ(books.held, 3u);
    EXPECT_EQ(books.taken, 3u);
    EXPECT_EQ(books.refused_by_limit, 1u);
    EXPECT_EQ(books.refused_by_keys, 0u);
    EXPECT_THROW(static_cast<void>(quotas.take("anna")), std::system_error);
}

TEST(quotas, a_count_that_would_wrap_is_refused) {
    berth::quotas quotas({.each = 4});
    error_code ec;
    const auto two = quotas.take("anna", 2, ec);
    ASSERT_FALSE(ec);
    for (const std::uint32_t count : {~0u, ~0u - 1, ~0u - 2, 1u << 31}) {
        EXPECT_FALSE(quotas.take("anna", count, ec)) << count;
        EXPECT_EQ(ec, errc::quota_exceeded) << count;
    }
    EXPECT_EQ(quotas.held("anna"), 2u);
}

TEST(quotas, the_end_of_a_hold_gives_it_back_once) {
    berth::quotas quotas({.each = 1});
    error_code ec;
    {
        auto first = quotas.take("anna", ec);
        quota_hold moved = std::move(first);
        EXPECT_FALSE(first);
        EXPECT_TRUE(moved);
        moved.give_back();
        moved.give_back();
        EXPECT_EQ(quotas.held("anna"), 0u);
        moved = quotas.take("anna", ec);
        EXPECT_FALSE(ec);
        auto& itself = moved;
        moved = std::move(itself);
        EXPECT_TRUE(moved);
    }
    EXPECT_EQ(quotas.held("anna"), 0u);
    EXPECT_EQ(quotas.statistics().held, 0u);
    EXPECT_EQ(quotas.statistics().keys, 0u) << "a key that holds nothing is not remembered";
}

TEST(quotas, several_at_once_are_all_or_nothing) {
    berth::quotas quotas({.each = 5});
    error_code ec;
    auto four = quotas.take("anna", 4, ec);
    EXPECT_EQ(four.count(), 4u);
    const auto two = quotas.take("anna", 2, ec);
    EXPECT_EQ(ec, errc::quota_exceeded);
    EXPECT_EQ(quotas.held("anna"), 4u);
    const auto most = quotas.take("bert", ~std::uint32_t{0}, ec);
    EXPECT_EQ(ec, errc::quota_exceeded) << "no sum runs over";
    EXPECT_EQ(quotas.statistics().keys, 1u) << "a refusal leaves no key behind";
}

TEST(quotas, what_makes_no_sense_is_refused) {
    berth::quotas quotas({.longest_key = 8});
    error_code ec;
    EXPECT_FALSE(quotas.take("anna", 0, ec));
    EXPECT_EQ(ec, errc::invalid_argument);
    EXPECT_FALSE(quotas.take("nine long", ec));
    EXPECT_EQ(ec, errc::invalid_argument);
    EXPECT_TRUE(quotas.take(std::string_view("a\0b", 3), ec));
    EXPECT_TRUE(quotas.take("", ec)) << "an empty key is one";
}

TEST(quotas, a_key_may_have_a_limit_of_its_own) {
    berth::quotas quotas({.each = 1});
    quotas.set_limit("anna", 3);
    quotas.set_limit("bert", 0);
    error_code ec;
    std::vector<quota_hold> holds;
    for (int i = 0; i < 3; ++i) holds.push_back(quotas.take("anna", ec));
    EXPECT_FALSE(ec);
    EXPECT_FALSE(quotas.take("anna", ec));
    EXPECT_FALSE(quotas.take("bert", ec));
    EXPECT_EQ(ec, errc::quota_exceeded);
    EXPECT_EQ(quotas.limit("anna"), 3u);
    quotas.reset_limit("anna");
    EXPECT_EQ(quotas.limit("anna"), 1u);
    EXPECT_EQ(quotas.held("anna"), 3u) << "what is held stays";
    holds.pop_back();
    EXPECT_FALSE(quotas.take("anna", ec)) << "two are still more than one";
    holds.clear();
    EXPECT_TRUE(quotas.take("anna", ec));
    quotas.set_limit_of_each(0);
    EXPECT_FALSE(quotas.take("carl", ec));
}

TEST(quotas, strangers_cannot_make_it_grow) {
    berth::quotas quotas({.each = 4, .most_keys = 100});
    error_code ec;
    std::vector<quota_hold> holds;
    for (int i = 0; i < 1000; ++i) {
        if (auto hold = quotas.take("stranger " + std::to_string(i), ec)) holds.push_back(std::move(hold));
    }
    EXPECT_EQ(holds.size(), 100u);
    EXPECT_EQ(quotas.statistics().keys, 100u);
    EXPECT_EQ(quotas.statistics().refused_by_keys, 900u);
    EXPECT_TRUE(quotas.take("stranger 7", ec)) << "who is there already may go on";
    holds.pop_back();
    EXPECT_TRUE(quotas.take("somebody new", ec));
}

TEST(quotas, a_hold_may_outlive_them) {
    quota_hold hold;
    {
        berth::quotas quotas;
        hold = quotas.take("anna");
    }
    EXPECT_EQ(hold.count(), 1u);
    hold.give_back();
}

TEST(quotas, threads_never_hold_more_than_the_limit_together) {
    constexpr std::uint32_t limit = 3, keys = 5;
    berth::quotas quotas({.each = limit, .most_keys = keys});
    std::array<std::atomic<std::uint32_t>, keys> held{};
    std::atomic<std::uint64_t> taken{0}, refused{0};
    std::atomic<bool> overrun{false};
    const auto work = [&](unsigned seed) {
        std::mt19937 random(seed);
        std::vector<std::pair<std::uint32_t, quota_hold>> mine;
        for (int i = 0; i < 20'000; ++i) {
            const auto key = static_cast<std::uint32_t>(random() % keys);
            error_code ec;
            auto hold = quotas.take("key " + std::to_string(key), ec);
            if (hold) {
                taken.fetch_add(1);
                if (held[key].fetch_add(1) >= limit) overrun = true;
                mine.emplace_back(key, std::move(hold));
            } else {
                refused.fetch_add(ec == errc::quota_exceeded);
            }
            if (mine.size() > random() % 4) {
                held[mine.front().first].fetch_sub(1);  // before the hold ends, so that the sum is never too small
                mine.erase(mine.begin());
            }
        }
        for (auto& [key, hold] : mine) held[key].fetch_sub(1);
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i) threads.emplace_back(work, i);
    for (auto& thread : threads) thread.join();
    EXPECT_FALSE(overrun);
    EXPECT_EQ(taken + refused, 80'000u);
    const auto books = quotas.statistics();
    EXPECT_EQ(books.taken, taken.load());
    EXPECT_EQ(books.refused_by_limit + books.refused_by_keys, refused.load());
    EXPECT_GT(refused.load(), 0u);
    EXPECT_EQ(books.held, 0u);
    EXPECT_EQ(books.keys, 0u);
}

}  // namespace
