// A reservation over the ends of its counters, as berth uses them: draws, books, silence, quotas, cancels.
//
// The parts are the library's own, aged through their private members; the kernel is the simulated one.
#include "port_lane.hpp"
#include "reservation_core.hpp"
#include "support/private_member.hpp"
#include "support/simulated_provider.hpp"

#include <berth/quotas.hpp>

#include <gtest/gtest.h>

#include <thread>

namespace berth::test {

struct records_of_lane {
    friend auto member(records_of_lane);
};
struct high_of_takes {
    friend auto member(high_of_takes);
};
struct low_of_takes {
    friend auto member(low_of_takes);
};
struct claims_of_lane {
    friend auto member(claims_of_lane);
};
struct bitmap_of_claims {
    friend auto member(bitmap_of_claims);
};
struct cooling_of_claims {
    friend auto member(cooling_of_claims);
};
struct words_of_bitmap {
    friend auto member(words_of_bitmap);
};
struct head_of_queue {
    friend auto member(head_of_queue);
};
struct tail_of_queue {
    friend auto member(tail_of_queue);
};
struct slots_of_queue {
    friend auto member(slots_of_queue);
};

template struct private_member<records_of_lane, &detail::port_lane::records_>;
template struct private_member<high_of_takes, &detail::take_count::high_>;
template struct private_member<low_of_takes, &detail::take_count::low_>;
template struct private_member<claims_of_lane, &detail::port_lane::claims_>;
template struct private_member<bitmap_of_claims, &claim::claim_set::bitmap_>;
template struct private_member<cooling_of_claims, &claim::claim_set::cooling_>;
template struct private_member<words_of_bitmap, &claim::port_bitmap<>::words_at_>;
template struct private_member<head_of_queue, &claim::port_queue<>::head_>;
template struct private_member<tail_of_queue, &claim::port_queue<>::tail_>;
template struct private_member<slots_of_queue, &claim::port_queue<>::slot_>;

}  // namespace berth::test

namespace age_test {
namespace {

using berth::bound_port;
using berth::errc;
using berth::error_code;
using berth::failure;
using berth::if_taken;
using berth::quotas;
using berth::reservation_request;
namespace test = berth::test;
using namespace std::chrono_literals;

std::atomic<std::uint64_t> now_ns{1};
std::uint64_t read_now() noexcept { return now_ns; }

class reservation_age : public testing::Test {
protected:
    berth::detail::port_lane& reserve(std::uint32_t ports, std::chrono::milliseconds rest,
                                      std::chrono::milliseconds silence) {
        reservation_request r;
        r.block = {30000, ports};
        r.cool_down = rest, r.silence = silence;
        failure f;
        core = berth::detail::reservation_core::make(kernel, r, f, read_now);
        EXPECT_TRUE(core) << f.what;
        return *core->only_lane();
    }
    /// As if each port of the block had been taken and given back so often.
    static void age(berth::detail::port_lane& lane, std::uint32_t ports, std::uint64_t uses) {
        for (std::uint32_t i = 0; i < ports; ++i) {
            auto& takes = (lane.*member(test::records_of_lane{}))[i].takes;
            takes.*member(test::high_of_takes{}) = static_cast<std::uint16_t>(uses >> 32 & 0x7fff);
            takes.*member(test::low_of_takes{}) = static_cast<std::uint32_t>(uses);
        }
        auto& claims = lane.*member(test::claims_of_lane{});
        auto& word = (claims.*member(test::bitmap_of_claims{}).*member(test::words_of_bitmap{}))[0];
        word.store((uses << 32) | (word.load() & 0xffff'ffff));
        auto& cooling = claims.*member(test::cooling_of_claims{});
        const std::uint64_t cycles = uses << 16;
        (cooling.*member(test::head_of_queue{})).store(cycles + 0x10000);
        (cooling.*member(test::tail_of_queue{})).store(cycles + 0x10000);
        for (std::uint32_t i = 0; i < ports; ++i) (cooling.*member(test::slots_of_queue{}))[i].store(cycles);
    }
    void TearDown() override {
        failure f;
        if (core) core->release(f, if_taken::detach);
        EXPECT_TRUE(kernel.complaints().empty()) << kernel.complaints().front();
    }

    test::simulated_provider kernel;
    std::shared_ptr<berth::detail::reservation_core> core;
};

// coturn#1992: after 4 G operations nothing was to be had any more. Here the books go on as well.
TEST_F(reservation_age, a_block_of_any_age_lends_all_its_ports_and_its_books_go_on) {
    for (const std::uint64_t age_of : {0xfff0ull, 0xffff'fff0ull, 0x7ffe'ffff'fff0ull, 0x7fff'ffff'ff00ull}) {
        for (const std::uint32_t ports : {1u, 2u, 3u}) {
            auto& lane = reserve(ports, 0ms, 0ms);
            age(lane, ports, age_of);
            const auto before = core->statistics();
            EXPECT_EQ(before.takes, ports * age_of);
            EXPECT_EQ(before.gives_back, ports * age_of);
            for (std::uint64_t turn = 1; turn <= 100; ++turn) {
                std::vector<bound_port> out;
                error_code ec;
                for (std::uint32_t i = 0; i < ports; ++i) out.push_back(lane.take(ec));
                for (const auto& p : out) ASSERT_TRUE(p) << "age " << age_of << ", turn " << turn;
                ASSERT_FALSE(lane.take(ec));
                ASSERT_EQ(ec, errc::block_exhausted);
                ASSERT_EQ(core->statistics().takes, before.takes + ports * turn);
                ASSERT_EQ(core->statistics().gives_back, before.gives_back + ports * (turn - 1));
                for (auto& p : out) p.give_back(ec);
                ASSERT_EQ(core->statistics().gives_back, before.gives_back + ports * turn);
                ASSERT_EQ(core->statistics().ports.available, ports);
            }
            failure f;
            core->release(f, if_taken::detach);
            core.reset();
        }
    }
}

TEST_F(reservation_age, two_threads_share_an_old_block_of_two_ports) {
    auto& lane = reserve(2, 0ms, 0ms);
    age(lane, 2, 0xffff'ff00ull);
    std::atomic<int> wrongs{0};
    std::atomic<int> owners[2] = {};
    const auto work = [&] {
        for (int i = 0; i < 20'000; ++i) {
            error_code ec;
            auto p = lane.take(ec);
            if (!p) {
                ++wrongs;  // two owners, two ports: there is always one
                continue;
            }
            auto& mine = owners[p.port() - 30000];
            if (mine.fetch_add(1) != 0) ++wrongs;
            if (mine.fetch_sub(1) != 1) ++wrongs;
            p.give_back(ec);
        }
    };
    std::thread other(work);
    work();
    other.join();
    EXPECT_EQ(wrongs, 0);
    EXPECT_EQ(core->statistics().takes, 2 * 0xffff'ff00ull + 40'000);
    EXPECT_EQ(core->statistics().ports.available, 2u);
}

// Its two halves are written one after the other. Between two wraps of the lower one it leaps ahead.
TEST(take_count_age, no_reader_sees_the_count_of_takes_go_back) {
    constexpr std::uint64_t wraps = 30'000;
    for (int round = 0; round < 20; ++round) {
        berth::detail::take_count takes;
        std::thread owner([&] {
            for (std::uint64_t wrap = 0; wrap < wraps; ++wrap) {
                takes.*member(test::low_of_takes{}) = 0xffff'fff0;
                for (int i = 0; i < 32; ++i) takes.add_one();
            }
        });
        std::uint64_t back = 0;
        for (std::uint64_t seen = 0; seen < (wraps << 32) + 16;) {
            const std::uint64_t now = takes.get();
            back += now < seen;
            seen = now;
        }
        owner.join();
        EXPECT_EQ(back, 0U);
        EXPECT_EQ(takes.get(), (wraps << 32) + 16);
    }
}

TEST_F(reservation_age, ports_rest_and_wake_over_each_end_of_the_queues_cycles) {
    for (const std::uint64_t age_of : {0xfff8ull, 0xffff'fff8ull, 0xffff'ffff'fff8ull}) {
        auto& lane = reserve(2, 50ms, 0ms);
        age(lane, 2, age_of);
        for (int turn = 0; turn < 20; ++turn) {
            error_code ec;
            auto one = lane.take(ec), two = lane.take(ec);
            ASSERT_TRUE(one && two) << "age " << age_of << ", turn " << turn;
            one.give_back(ec), two.give_back(ec);
            ASSERT_EQ(core->statistics().ports.cooling, 2u);
            ASSERT_EQ(core->reclaim(), 0u) << "it wakes too early";
            now_ns += std::chrono::nanoseconds(50ms).count();
            ASSERT_EQ(core->reclaim(), 2u) << "age " << age_of << ", turn " << turn;
        }
        failure f;
        core->release(f, if_taken::detach);
        core.reset();
    }
}

// The kernel counts a socket's drops in 32 bits.
TEST_F(reservation_age, silence_is_noticed_as_broken_where_the_kernels_counter_begins_again) {
    auto& lane = reserve(1, 10ms, 10ms);
    auto& port = kernel.port(true, 30000);
    auto& datagrams = kernel.port(false, 30000);
    port.heard = datagrams.heard = ~0u;
    error_code ec;
    auto p = lane.take(ec);
    ASSERT_TRUE(p);
    p.give_back(ec);
    ++port.heard, ++datagrams.heard;  // 0
    now_ns += std::chrono::nanoseconds(10ms).count();
    EXPECT_EQ(core->reclaim(), 0u);
    EXPECT_EQ(core->statistics().not_silent, 1u);
    now_ns += std::chrono::nanoseconds(10ms).count();
    EXPECT_EQ(core->reclaim(), 1u);
}

TEST(quota_age, what_is_held_never_wraps_past_the_limit) {
    quotas all({.each = ~std::uint32_t{0}, .most_keys = 4});
    error_code ec;
    const auto most = all.take("a", ~std::uint32_t{0} - 1, ec);
    ASSERT_FALSE(ec) << ec.message();
    EXPECT_FALSE(all.take("a", 2, ec));
    EXPECT_EQ(ec, errc::quota_exceeded);
    const auto last = all.take("a", 1, ec);
    EXPECT_FALSE(ec);
    EXPECT_FALSE(all.take("a", 1, ec));
    EXPECT_EQ(all.held("a"), ~std::uint32_t{0});
    const auto other = all.take("b", ~std::uint32_t{0}, ec);
    EXPECT_EQ(all.statistics().held, 2ull * ~std::uint32_t{0}) << "together they are more than 32 bits";
}

}  // namespace
}  // namespace age_test
