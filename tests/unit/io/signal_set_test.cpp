// A berth::signal_set does what asio::signal_set does. The signals are two that every system has.
#include <berth/signal_set.hpp>
#include <berth/steady_timer.hpp>

#include <asio.hpp>

#include <csignal>
#include <thread>

#include "unit/io/by_backend.hpp"

namespace {

using namespace io_test;

class signal_set : public by_backend {};
BERTH_BY_BACKEND(signal_set);

TEST_P(signal_set, a_wait_ends_with_the_number_of_the_signal) {
    berth::signal_set signals(context(), SIGINT, SIGTERM);
    int heard = 0;
    signals.async_wait([&](error_code ec, int number) {
        EXPECT_FALSE(ec) << ec.message();
        heard = number;
    });
    std::thread([] { ::raise(SIGTERM); }).join();
    run();
    EXPECT_EQ(heard, SIGTERM);
}

TEST_P(signal_set, signals_that_came_before_the_wait_are_kept_in_order) {
    berth::signal_set signals(context(), SIGINT, SIGTERM);
    ::raise(SIGINT);
    ::raise(SIGTERM);
    std::vector<int> heard;
    for (int i = 0; i < 2; ++i) signals.async_wait([&](error_code, int number) { heard.push_back(number); });
    run();
    EXPECT_EQ(heard, (std::vector<int>{SIGINT, SIGTERM}));
}

TEST_P(signal_set, two_sets_both_hear_a_signal) {
    berth::signal_set one(context(), SIGINT), two(context(), SIGINT);
    int heard = 0;
    one.async_wait([&](error_code ec, int) { heard += !ec; });
    two.async_wait([&](error_code ec, int) { heard += !ec; });
    ::raise(SIGINT);
    run();
    EXPECT_EQ(heard, 2);
}

TEST_P(signal_set, cancel_and_destruction_end_a_wait) {
    error_code cancelled, destroyed;
    {
        berth::signal_set signals(context(), SIGINT);
        signals.async_wait([&](error_code ec, int) { cancelled = ec; });
        context().poll();
        signals.cancel();
        run();
        signals.async_wait([&](error_code ec, int) { destroyed = ec; });
    }
    run();
    EXPECT_EQ(cancelled, asio::error::operation_aborted);
    EXPECT_EQ(destroyed, asio::error::operation_aborted);
}

using handler = void (*)(int);
handler handler_of(int number) {
    const handler now = std::signal(number, SIG_IGN);
    std::signal(number, now);
    return now;
}

TEST_P(signal_set, the_last_set_restores_what_was_there) {
    const auto before = handler_of(SIGINT);
    {
        berth::signal_set one(context(), SIGINT);
        berth::signal_set two(context(), SIGINT);
        EXPECT_NE(handler_of(SIGINT), before);
    }
    EXPECT_EQ(handler_of(SIGINT), before);
}

TEST_P(signal_set, a_number_that_cannot_be_caught_is_refused) {
    berth::signal_set signals(context());
    error_code ec;
    constexpr int kill = 9;  // not every system has a word for it, and none lets it be caught
    signals.add(kill, ec);
    EXPECT_EQ(ec, asio::error::invalid_argument);
    EXPECT_THROW(signals.add(0), std::system_error);
}

}  // namespace
