// Rests, draws and their order, with a clock that the test turns: who is available when, and what the books count.
#include "support/simulated_provider.hpp"

#include "reservation_core.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <numeric>

namespace berth::test {
namespace {

using std::chrono::milliseconds;

std::atomic<std::uint64_t> now_ns{1};
std::uint64_t test_clock() noexcept { return now_ns; }
void pass(milliseconds t) { now_ns += static_cast<std::uint64_t>(std::chrono::nanoseconds(t).count()); }

class resting : public testing::Test {
protected:
    detail::port_lane& reserve(std::uint32_t count, milliseconds cool_down, milliseconds silence,
                               draw_order order = draw_order::first_in_first_out, std::uint16_t first = 30000) {
        reservation_request r;
        r.block = {first, count};
        r.cool_down = cool_down, r.silence = silence, r.order = order;
        failure f;
        core = detail::reservation_core::make(kernel, r, f, test_clock);
        return *core->only_lane();
    }
    void TearDown() override {
        failure f;
        core->release(f, if_taken::detach);
        EXPECT_TRUE(kernel.complaints().empty()) << kernel.complaints().front();
    }
    bool available_now(detail::port_lane& lane, std::uint16_t port) {
        error_code ec;
        auto p = lane.take_port(port, ec);
        if (!p) return false;
        p.give_back(ec);
        return true;
    }
    std::uint16_t use_once(detail::port_lane& lane) {
        error_code ec;
        auto p = lane.take(ec);
        const auto port = p.port();
        p.give_back(ec);
        return port;
    }

    simulated_provider kernel;
    std::shared_ptr<detail::reservation_core> core;
};

// Its nanoseconds are more than the clock counts.
TEST_F(resting, the_longest_cool_down_is_no_short_one) {
    auto& lane = reserve(1, milliseconds::max(), milliseconds(0));
    const auto port = use_once(lane);
    pass(std::chrono::hours{24 * 365});
    EXPECT_FALSE(available_now(lane, port));
    EXPECT_EQ(core->statistics().ports.cooling, 1U);
}

TEST_F(resting, a_port_rests_for_the_cool_down_and_not_a_moment_longer) {
    auto& lane = reserve(1, milliseconds(50), milliseconds(0));
    use_once(lane);
    EXPECT_EQ(core->statistics().ports.cooling, 1U);
    pass(milliseconds(49));
    EXPECT_FALSE(available_now(lane, 30000));
    pass(milliseconds(1));
    EXPECT_TRUE(available_now(lane, 30000));
}

TEST_F(resting, reclaim_says_how_many_ports_came_back) {
    auto& lane = reserve(4, milliseconds(50), milliseconds(0));
    for (int i = 0; i < 3; ++i) use_once(lane);
    EXPECT_EQ(core->reclaim(), 0U);
    pass(milliseconds(50));
    EXPECT_EQ(core->reclaim(), 3U);
    EXPECT_EQ(core->statistics().ports.available, 4U);
}

TEST_F(resting, an_exhausted_block_says_so_at_once_while_its_ports_rest) {
    auto& lane = reserve(2, milliseconds(1000), milliseconds(0));
    use_once(lane), use_once(lane);
    error_code ec;
    EXPECT_FALSE(lane.take(ec));
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_EQ(core->statistics().exhausted, 1U);
    pass(milliseconds(1000));
    EXPECT_TRUE(lane.take(ec)) << "a draw wakes what has rested";
}

TEST_F(resting, old_traffic_prolongs_the_rest_until_it_is_silent) {
    auto& lane = reserve(1, milliseconds(0), milliseconds(50));
    use_once(lane);
    for (int i = 1; i <= 3; ++i) {
        pass(milliseconds(40));
        kernel.deliver(false, 30000);
        pass(milliseconds(10));
        EXPECT_FALSE(available_now(lane, 30000)) << "the old peer still talks";
        EXPECT_EQ(core->statistics().not_silent, static_cast<std::uint64_t>(i));
    }
    pass(milliseconds(50));
    EXPECT_TRUE(available_now(lane, 30000));
    EXPECT_EQ(core->statistics().not_silent, 3U);
}

TEST_F(resting, a_cool_down_shorter_than_the_silence_still_waits_for_the_silence) {
    auto& lane = reserve(1, milliseconds(10), milliseconds(50));
    use_once(lane);
    pass(milliseconds(10));
    EXPECT_FALSE(available_now(lane, 30000)) << "nobody can know yet whether the old peer is silent";
    pass(milliseconds(40));
    EXPECT_TRUE(available_now(lane, 30000));
}

TEST_F(resting, one_noisy_port_does_not_hold_up_the_others) {
    auto& lane = reserve(3, milliseconds(0), milliseconds(50));
    for (int i = 0; i < 3; ++i) use_once(lane);
    kernel.deliver(false, 30000);
    pass(milliseconds(50));
    EXPECT_EQ(core->reclaim(), 2U);
    EXPECT_FALSE(available_now(lane, 30000));
    EXPECT_TRUE(available_now(lane, 30001));
}

TEST_F(resting, nothing_that_came_while_parked_is_read_by_the_next_session) {
    auto& lane = reserve(1, milliseconds(0), milliseconds(0));
    error_code ec;
    auto p = lane.take(ec);
    kernel.deliver(false, 30000);
    kernel.deliver(false, 30000);
    EXPECT_EQ(kernel.queued(p.io_handle()), 2U);
    p.give_back(ec);
    EXPECT_EQ(core->statistics().discarded, 2U);
    kernel.deliver(false, 30000);
    p = lane.take(ec);
    EXPECT_EQ(kernel.queued(p.io_handle()), 0U);
}

TEST_F(resting, a_refused_release_leaves_resting_ports_at_rest) {
    auto& lane = reserve(2, milliseconds(50), milliseconds(0));
    use_once(lane);
    error_code ec;
    auto out = lane.take(ec);
    failure f;
    core->release(f, if_taken::refuse);
    EXPECT_EQ(f.code, errc::reservation_busy);
    EXPECT_EQ(core->statistics().ports.cooling, 1U);
    pass(milliseconds(50));
    EXPECT_EQ(core->reclaim(), 1U);
}

TEST_F(resting, first_in_first_out_gives_the_port_that_rested_longest) {
    auto& lane = reserve(5, milliseconds(0), milliseconds(0));
    error_code ec;
    for (int round = 0; round < 3; ++round) {
        for (std::uint16_t i = 0; i < 5; ++i) EXPECT_EQ(use_once(lane), 30000 + i);
    }
    auto two = lane.take_port(30002, ec), four = lane.take_port(30004, ec);
    four.give_back(ec), two.give_back(ec);
    std::vector<std::uint16_t> order;
    std::vector<bound_port> out;
    for (int i = 0; i < 5; ++i) out.push_back(lane.take(ec)), order.push_back(out.back().port());
    EXPECT_EQ(std::vector(order.begin(), order.begin() + 3), (std::vector<std::uint16_t>{30000, 30001, 30003}))
        << "what was drawn by number and came back was before its turn";
}

TEST_F(resting, random_draws_use_every_port_about_as_often) {
    auto& lane = reserve(16, milliseconds(0), milliseconds(0), draw_order::random);
    std::vector<int> drawn(16);
    for (int i = 0; i < 16000; ++i) ++drawn[static_cast<std::size_t>(use_once(lane) - 30000)];
    for (const int n : drawn) EXPECT_NEAR(n, 1000, 200);  // over six standard deviations
}

TEST_F(resting, pairs_are_an_even_port_and_the_odd_one_above_it) {
    for (const std::uint16_t first : {std::uint16_t{30000}, std::uint16_t{30001}}) {
        for (const std::uint32_t count : {1u, 2u, 3u, 8u, 9u}) {
            for (const auto order : {draw_order::random, draw_order::first_in_first_out}) {
                auto& lane = reserve(count, milliseconds(0), milliseconds(0), order, first);
                std::vector<std::array<bound_port, 2>> out;
                error_code ec;
                for (;;) {
                    auto pair = lane.take_pair(ec);
                    if (ec) break;
                    EXPECT_EQ(pair[0].port() % 2, 0);
                    EXPECT_EQ(pair[1].port(), pair[0].port() + 1);
                    out.push_back(std::move(pair));
                }
                EXPECT_EQ(ec, errc::block_exhausted);
                EXPECT_EQ(out.size(), (count - std::min(count, first % 2u)) / 2) << first << " " << count;
                EXPECT_EQ(core->statistics().ports.open, 2 * out.size());
                for (auto& pair : out) pair[0].give_back(ec), pair[1].give_back(ec);
                failure f;
                core->release(f, if_taken::refuse);
                EXPECT_FALSE(f) << f.what;
            }
        }
    }
    reserve(1, milliseconds(0), milliseconds(0));
}

TEST_F(resting, a_run_is_whole_or_nothing_and_comes_back_port_by_port) {
    auto& lane = reserve(8, milliseconds(0), milliseconds(0), draw_order::random, 30001);
    error_code ec;
    auto in_the_way = lane.take_port(30004, ec);
    std::array<bound_port, 4> run;
    EXPECT_FALSE(lane.take_run(run, 2, ec)) << "from 30006 on there are three";
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_FALSE(run[0] || run[1] || run[2] || run[3]);
    ASSERT_TRUE(lane.take_run(run, 1, ec)) << ec.message();
    for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(run[i].port(), 30005 + i);
    EXPECT_EQ(core->statistics().ports.open, 5U);
    for (auto& port : run) port.give_back(ec);
    in_the_way.give_back(ec);
    std::array<bound_port, 8> all;
    EXPECT_TRUE(lane.take_run(all, 1, ec));
    std::array<bound_port, 9> more;
    EXPECT_FALSE(lane.take_run(more, 1, ec));
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_FALSE(lane.take_run({}, 1, ec));
    EXPECT_EQ(ec, errc::invalid_argument);
    EXPECT_FALSE(lane.take_run(run, 0, ec));
    EXPECT_EQ(ec, errc::invalid_argument);
}

TEST_F(resting, a_run_goes_around_a_port_that_does_not_open_and_past_what_rests) {
    auto& lane = reserve(6, milliseconds(50), milliseconds(0));
    kernel.port(false, 30002).open_fails = true;
    error_code ec;
    std::array<bound_port, 3> run;
    ASSERT_TRUE(lane.take_run(run, 1, ec)) << ec.message();
    EXPECT_EQ(run[0].port(), 30003) << "two that had been opened with it went back";
    EXPECT_EQ(core->statistics().open_failures, 1U);
    for (auto& port : run) port.give_back(ec);
    EXPECT_FALSE(lane.take_run(run, 1, ec)) << "they rest";
    EXPECT_EQ(ec, errc::block_exhausted);
    kernel.port(false, 30002).open_fails = false;
    pass(milliseconds(50));
    EXPECT_TRUE(lane.take_run(run, 1, ec)) << ec.message();
}

TEST_F(resting, half_a_pair_is_no_pair_and_stays_available) {
    auto& lane = reserve(4, milliseconds(0), milliseconds(0));
    error_code ec;
    auto one = lane.take_port(30000, ec), two = lane.take_port(30003, ec);
    const auto pair = lane.take_pair(ec);
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_FALSE(pair[0] || pair[1]);
    EXPECT_EQ(core->statistics().ports.available, 2U);
    EXPECT_TRUE(lane.take_port(30001, ec));
}

TEST_F(resting, a_given_port_is_that_port_or_a_reason) {
    auto& lane = reserve(3, milliseconds(0), milliseconds(0));
    error_code ec;
    auto mine = lane.take_port(30001, ec);
    EXPECT_EQ(mine.port(), 30001);
    EXPECT_FALSE(lane.take_port(30001, ec));
    EXPECT_EQ(ec, errc::port_taken);
    for (const int outside : {29999, 30003, 0, 65535}) {
        EXPECT_FALSE(lane.take_port(static_cast<std::uint16_t>(outside), ec));
        EXPECT_EQ(ec, errc::port_outside_block);
    }
    EXPECT_EQ(core->statistics().exhausted, 0U) << "a port that is taken is no exhausted block";
}

TEST_F(resting, one_take_in_1024_is_timed) {
    auto& lane = reserve(1, milliseconds(0), milliseconds(0));
    const auto samples = [&] {
        const auto latency = core->statistics().take_latency;
        return std::accumulate(latency.begin(), latency.end(), std::uint64_t{0});
    };
    for (int i = 0; i < 10 * 1024; ++i) use_once(lane);
    EXPECT_EQ(samples(), 10U);
    EXPECT_EQ(core->statistics().take_latency[0], 10U) << "the test's clock stands still";
    EXPECT_EQ(core->statistics().takes, 10U * 1024);
}

TEST_F(resting, a_port_that_never_opens_does_not_keep_take_going) {
    auto& lane = reserve(3, milliseconds(0), milliseconds(0));
    for (std::uint16_t i = 0; i < 3; ++i) kernel.port(false, static_cast<std::uint16_t>(30000 + i)).open_fails = true;
    error_code ec;
    EXPECT_FALSE(lane.take(ec));  // renewing them works, opening them never does
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_EQ(core->statistics().ports.condemned, 3U);
    EXPECT_FALSE(lane.take_pair(ec)[0]);
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_GE(core->statistics().open_failures, 3U);
}

}  // namespace
}  // namespace berth::test
