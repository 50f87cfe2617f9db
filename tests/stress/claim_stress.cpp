// Exactly one owner, under real threads: small blocks, more threads than cores, every way to claim and to give back.
//
// Each port has a counter of owners that must read 0 before a claim and 1 before a give back, and plain memory that
// only the owner writes, so that a thread sanitizer sees two owners even where the counter does not. Afterwards every
// port is there again.
#include "claim/claim_set.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

namespace {

using berth::draw_order;
using berth::claim::claim_set;
using berth::claim::none;

constexpr auto long_enough = std::chrono::milliseconds(700);

struct witness {
    std::atomic<int> owners{0};
    std::uint64_t plain = 0;
};

template <class Work>
void run_threads(unsigned count, Work work) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (unsigned n = 0; n < count; ++n) threads.emplace_back([&, n] { work(n, stop); });
    std::this_thread::sleep_for(long_enough);
    stop = true;
    for (auto& t : threads) t.join();
}

unsigned more_threads_than_cores() { return 2 * std::max(2u, std::thread::hardware_concurrency()) + 1; }

class claim_stress : public testing::TestWithParam<draw_order> {
protected:
    static constexpr std::uint32_t count_ = 8;
    claim_set set_{20001, count_, GetParam()};
    std::array<witness, count_> ports_;
    std::atomic<int> violations_{0};
    std::atomic<std::uint64_t> claims_{0};
    std::atomic<std::uint64_t> clock_{0};

    void SetUp() override {
        for (std::uint32_t i = 0; i < count_; ++i) set_.put_back(i);
    }
    void own(std::uint32_t index) {
        if (ports_[index].owners.fetch_add(1, std::memory_order_relaxed) != 0) ++violations_;
        ++ports_[index].plain;
        claims_.fetch_add(1, std::memory_order_relaxed);
    }
    void disown(std::uint32_t index) {
        ++ports_[index].plain;
        if (ports_[index].owners.fetch_sub(1, std::memory_order_relaxed) != 1) ++violations_;
    }
    void give_back(std::uint32_t index, bool cool) {
        disown(index);
        if (cool) {
            set_.cool(index, clock_.fetch_add(1, std::memory_order_relaxed) + 3);
        } else {
            set_.put_back(index);
        }
    }
    void warm() {
        const std::uint32_t index = set_.next_due(clock_.fetch_add(1, std::memory_order_relaxed));
        if (index == none) return;
        own(index);
        disown(index);
        set_.put_back(index);
    }
};

TEST_P(claim_stress, every_port_has_one_owner_whatever_the_threads_do) {
    run_threads(more_threads_than_cores(), [this](unsigned number, const std::atomic<bool>& stop) {
        std::minstd_rand rng{number + 1};
        while (!stop.load(std::memory_order_relaxed)) {
            const auto dice = rng() >> 8;
            const bool cool = dice % 5 == 0;
            if (dice % 8 == 0) {
                const std::uint32_t first = set_.claim_pair();
                if (first == none) continue;
                own(first);
                own(first + 1);
                give_back(first + 1, cool);
                give_back(first, false);
            } else if (dice % 8 == 1) {
                const auto given = static_cast<std::uint32_t>(dice / 64 % count_);
                if (!set_.claim_given(given)) continue;
                own(given);
                give_back(given, cool);
            } else if (dice % 16 == 2) {
                const std::uint32_t first = set_.claim_run(3, 1);
                if (first == none) continue;
                for (std::uint32_t i = first; i < first + 3; ++i) own(i);
                for (std::uint32_t i = first; i < first + 3; ++i) give_back(i, cool);
            } else if (dice % 16 == 10) {
                warm();
            } else {
                const std::uint32_t one = set_.claim();
                if (one == none) continue;
                own(one);
                const std::uint32_t two = set_.claim();
                if (two != none) own(two);
                if (dice % 64 == 3) std::this_thread::yield();
                give_back(one, cool);
                if (two != none) give_back(two, false);
            }
        }
    });
    for (clock_ += 10; set_.anything_cooling();) warm();
    EXPECT_EQ(violations_, 0);
    EXPECT_GT(claims_, 1000u);
    EXPECT_EQ(set_.available(), count_);
    std::uint32_t drawn = 0;
    for (std::uint32_t i; (i = set_.claim()) != none;) drawn |= 1u << i;
    EXPECT_EQ(drawn, (1u << count_) - 1);
}

// Runs that cross words meet each other and single draws half way.
TEST_P(claim_stress, runs_over_several_words_have_one_owner_a_port) {
    constexpr std::uint32_t span = 100;
    claim_set wide{20001, span, GetParam()};
    std::vector<witness> ports(span);
    for (std::uint32_t i = 0; i < span; ++i) wide.put_back(i);
    std::atomic<int> strange{0};
    std::atomic<std::uint64_t> runs{0};
    run_threads(more_threads_than_cores(), [&](unsigned number, const std::atomic<bool>& stop) {
        std::minstd_rand rng{number + 1};
        while (!stop.load(std::memory_order_relaxed)) {
            const auto length = static_cast<std::uint32_t>(1 + (rng() >> 8) % 40);
            const std::uint32_t first = length == 1 ? wide.claim() : wide.claim_run(length, 1);
            if (first == none) continue;
            for (std::uint32_t i = first; i < first + length; ++i) {
                if (ports[i].owners.fetch_add(1, std::memory_order_relaxed) != 0) ++strange;
                ++ports[i].plain;
            }
            if (length == 7) std::this_thread::yield();
            for (std::uint32_t i = first; i < first + length; ++i) {
                if (ports[i].owners.fetch_sub(1, std::memory_order_relaxed) != 1) ++strange;
                wide.put_back(i);
            }
            runs.fetch_add(1, std::memory_order_relaxed);
        }
    });
    EXPECT_EQ(strange, 0);
    EXPECT_GT(runs, 1000U);
    EXPECT_EQ(wide.available(), span);
    EXPECT_EQ(wide.claim_run(span, 1), 0U) << "all came back";
}

// As many ports as threads, over several words: a thread that holds none must always find one, wherever it lies.
TEST_P(claim_stress, none_is_never_said_while_a_port_is_available) {
    const unsigned threads = more_threads_than_cores();
    for (const std::uint32_t span : {threads, 32u * 40}) {
        claim_set wide{20001, span, GetParam()};
        for (unsigned n = 0; n < threads; ++n) wide.put_back(n * (span / threads));
        std::atomic<int> lies{0};
        run_threads(threads, [&](unsigned, const std::atomic<bool>& stop) {
            while (!stop.load(std::memory_order_relaxed)) {
                const std::uint32_t index = wide.claim();
                if (index == none) {
                    ++lies;
                } else {
                    wide.put_back(index);
                }
            }
        });
        EXPECT_EQ(lies, 0) << span << " ports";
        EXPECT_EQ(wide.available(), threads);
    }
}

INSTANTIATE_TEST_SUITE_P(orders, claim_stress, testing::Values(draw_order::random, draw_order::first_in_first_out));

}  // namespace
