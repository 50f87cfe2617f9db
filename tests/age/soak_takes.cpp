// Takes on tiny blocks without end: 1, 2 and 3 ports, two threads, one owner each, and nothing lost.
//
// Three layers: the claim alone (where a tag's 32 bits go round by themselves in a nightly run), a reservation over
// the simulated kernel, and one of real UDP ports. BERTH_SOAK_TAKES: takes altogether, 10 million without it. The
// rates are printed.
#include "claim/claim_set.hpp"
#include "port_lane.hpp"
#include "reservation_core.hpp"
#include "support/simulated_provider.hpp"

#include <berth/port_reservation.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <thread>

namespace {

using namespace berth;
using steady = std::chrono::steady_clock;

std::uint64_t takes_in_all() {
    std::uint64_t n = 10'000'000;
    if (const char* const asked = std::getenv("BERTH_SOAK_TAKES"); asked != nullptr)
        std::from_chars(asked, asked + std::strlen(asked), n);
    return n;
}

struct alignas(64) witness {
    std::atomic<int> owners{0};
    std::uint64_t plain = 0;
};

/// Two threads take and give back, half of `takes` each. take(): an index, or claim::none. The number of wrongs.
template <class Take, class GiveBack>
std::uint64_t soak(const char* what, std::uint32_t ports, std::uint64_t takes, Take take, GiveBack give_back) {
    std::array<witness, 3> all;
    std::atomic<std::uint64_t> wrongs{0}, done{0}, missed{0};
    const auto begun = steady::now();
    const auto work = [&] {
        std::uint64_t mine = 0, none = 0;
        while (mine < takes / 2) {
            auto taken = take();
            const std::uint32_t index = taken.index;
            if (index == claim::none) {
                ++none;
                continue;
            }
            if (index >= ports || all[index].owners.fetch_add(1, std::memory_order_acquire) != 0) wrongs.fetch_add(1);
            ++all[index].plain;
            if (all[index].owners.fetch_sub(1, std::memory_order_release) != 1) wrongs.fetch_add(1);
            give_back(taken);
            ++mine;
        }
        done += mine, missed += none;
    };
    std::thread other(work);
    work();
    other.join();
    const std::chrono::duration<double> took = steady::now() - begun;
    std::uint64_t counted = 0;
    for (std::uint32_t i = 0; i < ports; ++i) counted += all[i].plain;
    EXPECT_EQ(counted, done) << "two owners wrote at once";
    if (ports > 1) {
        EXPECT_EQ(missed, 0u) << "two threads, two ports or more: one is always free";
    }
    std::cout << what << ", " << ports << " ports: " << done << " takes in " << took.count() << " s, "
              << static_cast<double>(done) / took.count() / 1e6 << " million/s\n";
    return wrongs;
}

class soak_takes : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(ports, soak_takes, testing::Values(1u, 2u, 3u));

TEST_P(soak_takes, of_the_claim_alone) {
    claim::claim_set set(20001, GetParam(), draw_order::random);
    for (std::uint32_t i = 0; i < GetParam(); ++i) set.put_back(i);
    struct taken {
        std::uint32_t index;
    };
    // 8 of 10: a run of 6 G puts more than 2^32 returns into the one word of a block.
    const auto wrongs = soak(
        "claim", GetParam(), takes_in_all() / 10 * 8 / 3, [&] { return taken{set.claim()}; },
        [&](const taken& t) { set.put_back(t.index); });
    EXPECT_EQ(wrongs, 0u);
    EXPECT_EQ(set.available(), GetParam());
}

TEST_P(soak_takes, first_in_first_out_with_a_rest) {
    claim::claim_set set(20001, GetParam(), draw_order::first_in_first_out);
    for (std::uint32_t i = 0; i < GetParam(); ++i) set.put_back(i);
    const std::uint64_t turns = takes_in_all() / 100;
    for (std::uint64_t i = 0; i < turns; ++i) {  // one thread, so that the order is known
        const std::uint32_t index = set.claim();
        ASSERT_NE(index, claim::none) << "turn " << i;
        ASSERT_EQ(index, i % GetParam());
        set.cool(index, i);
        ASSERT_EQ(set.next_due(i), index);
        set.put_back(index);
    }
}

struct taken_port {
    bound_port port;
    std::uint32_t index = claim::none;
};

TEST_P(soak_takes, of_a_reservation) {
    test::simulated_provider kernel;
    reservation_request r;
    r.block = {30000, GetParam()};
    failure f;
    const auto core = detail::reservation_core::make(kernel, r, f);
    ASSERT_TRUE(core) << f.what;
    auto& lane = *core->only_lane();
    const auto before = core->statistics().takes;
    const std::uint64_t takes = takes_in_all() / 10 / 3;
    const auto wrongs = soak(
        "reservation, simulated kernel", GetParam(), takes,
        [&] {
            error_code ec;
            taken_port t{lane.take(ec)};
            if (t.port) t.index = t.port.port() - 30000u;
            return t;
        },
        [](taken_port& t) {
            error_code ec;
            t.port.give_back(ec);
        });
    EXPECT_EQ(wrongs, 0u);
    EXPECT_EQ(core->statistics().takes - before, takes / 2 * 2);
    EXPECT_EQ(core->statistics().ports.available, GetParam());
    core->release(f, if_taken::refuse);
    EXPECT_FALSE(f) << f.what;
}

TEST_P(soak_takes, of_real_ports) {
    reservation_request r;
    r.block.count = GetParam();
    auto reservation = port_reservation::reserve(r);
    const auto first = reservation.block().first;
    const std::uint64_t takes = takes_in_all() / 100 / 3;
    const auto wrongs = soak(
        "real UDP ports", GetParam(), takes,
        [&] {
            error_code ec;
            taken_port t{reservation.take(ec)};
            if (t.port) t.index = std::uint32_t{t.port.port()} - first;
            return t;
        },
        [](taken_port& t) {
            error_code ec;
            t.port.give_back(ec);
        });
    EXPECT_EQ(wrongs, 0u);
    EXPECT_EQ(reservation.statistics().takes, takes / 2 * 2);
    EXPECT_EQ(reservation.statistics().condemned, 0u);
    EXPECT_EQ(reservation.statistics().ports.available, GetParam());
}

}  // namespace
