// A berth::steady_timer does what asio::steady_timer does.
#include <berth/steady_timer.hpp>

#include <asio.hpp>
#include <asio/experimental/awaitable_operators.hpp>

#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "unit/io/by_backend.hpp"

namespace {

using namespace io_test;
using asio::use_awaitable;

class steady_timer : public by_backend {};
BERTH_BY_BACKEND(steady_timer);

TEST_P(steady_timer, waits_end_in_the_order_of_their_times) {
    std::mt19937 random(7);
    std::vector<std::unique_ptr<berth::steady_timer>> timers;
    std::vector<int> order;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 200; ++i) {
        const int ms = static_cast<int>(random() % 50);
        timers.push_back(std::make_unique<berth::steady_timer>(context(), start + std::chrono::milliseconds(ms)));
        timers.back()->async_wait([&order, ms](error_code ec) {
            EXPECT_FALSE(ec);
            order.push_back(ms);
        });
    }
    run();
    EXPECT_EQ(order.size(), 200u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(steady_timer, a_handler_that_is_passed_by_name_stays_its_callers) {
    berth::steady_timer timer(context(), 1ms);
    int calls = 0;
    std::function<void(error_code)> again = [&](error_code ec) {
        EXPECT_FALSE(ec);
        if (++calls == 3) return;
        timer.expires_after(1ms);
        timer.async_wait(again);
    };
    timer.async_wait(again);
    EXPECT_TRUE(again);
    run();
    EXPECT_EQ(calls, 3);
}

// Each is looked at when the one before it ends, a little before its own time.
TEST_P(steady_timer, a_wait_never_ends_early) {
    std::vector<std::unique_ptr<berth::steady_timer>> timers;
    std::size_t ended = 0;
    for (int i = 0; i < 10; ++i) {
        timers.push_back(std::make_unique<berth::steady_timer>(context(), 15ms + i * 1ms));
        timers.back()->async_wait([&, due = timers.back()->expiry()](error_code ec) {
            EXPECT_FALSE(ec);
            EXPECT_GE(std::chrono::steady_clock::now(), due);
            ++ended;
        });
    }
    run();
    EXPECT_EQ(ended, timers.size());
}

TEST_P(steady_timer, cancel_ends_all_waits_with_operation_aborted) {
    berth::steady_timer timer(context(), 1h);
    int aborted = 0;
    for (int i = 0; i < 3; ++i) {
        timer.async_wait([&](error_code ec) { aborted += ec == asio::error::operation_aborted; });
    }
    EXPECT_EQ(timer.cancel_one(), 1u);
    EXPECT_EQ(timer.cancel(), 2u);
    EXPECT_EQ(timer.cancel(), 0u);
    EXPECT_EQ(aborted, 0) << "never from inside the call";
    run();
    EXPECT_EQ(aborted, 3);
}

TEST_P(steady_timer, waits_of_one_timer_end_and_are_cancelled_in_the_order_of_their_starts) {
    berth::steady_timer timer(context(), 2ms);
    std::vector<int> ended, cancelled;
    for (int i = 0; i < 20; ++i) {
        timer.async_wait([&, i](error_code ec) { (ec ? cancelled : ended).push_back(i); });
    }
    for (int i = 0; i < 5; ++i) EXPECT_EQ(timer.cancel_one(), 1u);
    run();
    EXPECT_EQ(cancelled, (std::vector<int>{0, 1, 2, 3, 4}));
    ASSERT_EQ(ended.size(), 15u);
    for (int i = 0; i < 15; ++i) EXPECT_EQ(ended[static_cast<std::size_t>(i)], i + 5);
}

TEST_P(steady_timer, one_that_was_moved_from_is_a_timer_still) {
    berth::steady_timer from(context(), 1ms), to(std::move(from));
    bool ended = false;
    from.expires_after(1ms);
    from.async_wait([&](error_code ec) { ended = !ec; });
    run();
    EXPECT_TRUE(ended);
}

TEST_P(steady_timer, a_new_expiry_ends_the_waits_for_the_old_one) {
    berth::steady_timer timer(context(), 1h);
    error_code first, second = asio::error::fault;
    timer.async_wait([&](error_code ec) { first = ec; });
    EXPECT_EQ(timer.expires_after(1ms), 1u);
    timer.async_wait([&](error_code ec) { second = ec; });
    run();
    EXPECT_EQ(first, asio::error::operation_aborted);
    EXPECT_FALSE(second);
}

TEST_P(steady_timer, destroying_and_moving_it_keep_each_wait_whole) {
    error_code destroyed, moved = asio::error::fault;
    {
        berth::steady_timer timer(context(), 1h);
        timer.async_wait([&](error_code ec) { destroyed = ec; });
    }
    berth::steady_timer from(context(), 1ms);
    from.async_wait([&](error_code ec) { moved = ec; });
    berth::steady_timer to(std::move(from));
    run();
    EXPECT_EQ(destroyed, asio::error::operation_aborted);
    EXPECT_FALSE(moved);
}

TEST_P(steady_timer, one_wait_of_several_is_cancelled_through_its_slot) {
    berth::steady_timer timer(context(), 20ms);
    asio::cancellation_signal signal;
    error_code slotted, other = asio::error::fault;
    timer.async_wait(asio::bind_cancellation_slot(signal.slot(), [&](error_code ec) { slotted = ec; }));
    timer.async_wait([&](error_code ec) { other = ec; });
    asio::post(context(), [&] { signal.emit(asio::cancellation_type::total); });
    run();
    EXPECT_EQ(slotted, asio::error::operation_aborted);
    EXPECT_FALSE(other);
}

TEST_P(steady_timer, coroutines_wait_on_it_and_race_it) {
    using namespace asio::experimental::awaitable_operators;
    std::size_t winner = 9;
    asio::co_spawn(
        context(),
        [&]() -> asio::awaitable<void> {
            berth::steady_timer quick(context(), 2ms), slow(context(), 1h);
            co_await quick.async_wait(use_awaitable);
            quick.expires_after(2ms);
            auto both = co_await (slow.async_wait(use_awaitable) || quick.async_wait(use_awaitable));
            winner = both.index();
            co_await (quick.async_wait(use_awaitable) && quick.async_wait(use_awaitable));
        },
        [](std::exception_ptr e) {
            if (e) std::rethrow_exception(e);
        });
    run();
    EXPECT_EQ(winner, 1u);
}

TEST_P(steady_timer, a_thousand_waits_come_and_go_without_a_trace) {
    std::mt19937 random(11);
    std::vector<std::unique_ptr<berth::steady_timer>> timers;
    int ended = 0, started = 0;
    for (int i = 0; i < 1000; ++i) {
        timers.push_back(
            std::make_unique<berth::steady_timer>(context(), std::chrono::microseconds(random() % 20000)));
        timers.back()->async_wait([&](error_code) { ++ended; });
        ++started;
        if (random() % 3 == 0) timers[random() % timers.size()]->cancel();
        if (random() % 5 == 0) context().poll(), context().restart();
    }
    run();
    EXPECT_EQ(ended, started);
}

}  // namespace
