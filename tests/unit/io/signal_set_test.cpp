// A berth::signal_set does what asio::signal_set does.
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
    berth::signal_set signals(context(), SIGUSR1, SIGUSR2);
    int heard = 0;
    signals.async_wait([&](error_code ec, int number) {
        EXPECT_FALSE(ec) << ec.message();
        heard = number;
    });
    std::thread([] { ::raise(SIGUSR2); }).join();
    run();
    EXPECT_EQ(heard, SIGUSR2);
}

TEST_P(signal_set, signals_that_came_before_the_wait_are_kept_in_order) {
    berth::signal_set signals(context(), SIGUSR1, SIGUSR2);
    ::raise(SIGUSR1);
    ::raise(SIGUSR2);
    std::vector<int> heard;
    for (int i = 0; i < 2; ++i) signals.async_wait([&](error_code, int number) { heard.push_back(number); });
    run();
    EXPECT_EQ(heard, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

TEST_P(signal_set, two_sets_both_hear_a_signal) {
    berth::signal_set one(context(), SIGUSR1), two(context(), SIGUSR1);
    int heard = 0;
    one.async_wait([&](error_code ec, int) { heard += !ec; });
    two.async_wait([&](error_code ec, int) { heard += !ec; });
    ::raise(SIGUSR1);
    run();
    EXPECT_EQ(heard, 2);
}

TEST_P(signal_set, cancel_and_destruction_end_a_wait) {
    error_code cancelled, destroyed;
    {
        berth::signal_set signals(context(), SIGUSR1);
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

TEST_P(signal_set, the_last_set_restores_what_was_there) {
    struct sigaction before {
    }, during{}, after{};
    ::sigaction(SIGUSR1, nullptr, &before);
    {
        berth::signal_set one(context(), SIGUSR1);
        berth::signal_set two(context(), SIGUSR1);
        ::sigaction(SIGUSR1, nullptr, &during);
    }
    ::sigaction(SIGUSR1, nullptr, &after);
    EXPECT_NE(during.sa_handler, before.sa_handler);
    EXPECT_EQ(after.sa_handler, before.sa_handler);
}

TEST_P(signal_set, a_number_that_cannot_be_caught_is_refused) {
    berth::signal_set signals(context());
    error_code ec;
    signals.add(SIGKILL, ec);
    EXPECT_EQ(ec, asio::error::invalid_argument);
    EXPECT_THROW(signals.add(0), std::system_error);
}

}  // namespace
