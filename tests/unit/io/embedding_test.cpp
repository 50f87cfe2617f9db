// A context runs inside a loop of somebody else's, which waits for its handle and for the first of its timers.
#include <atomic>
#include <optional>

#include "support/sockets.hpp"
#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;
using clock_type = std::chrono::steady_clock;

class embedding : public tcp_by_backend {
protected:
    void SetUp() override {
        tcp_by_backend::SetUp();
        if (IsSkipped()) return;
        try {
            handle_ = context().native_wait_handle();
        } catch (const std::system_error& refused) {
            GTEST_SKIP() << refused.what();
        }
        guard_.emplace(context().get_executor());
        visit();
    }
    bool is_readable(std::chrono::milliseconds limit = 0ms) {
        return berth::test::wait_readable(handle_, limit);
    }
    /// Being readable without a cause comes to an end after a few visits.
    bool falls_silent() {
        for (int i = 0; i < 10; ++i) {
            if (!is_readable(40ms)) return true;
            visit();
        }
        return false;
    }
    std::size_t visit() {
        ++visits_;
        return context().poll();
    }
    /// Somebody else's loop, until it is done; it sleeps five seconds at most.
    void live_until(const std::function<bool()>& done) {
        while (!done()) {
            const auto now = clock_type::now();
            const auto due = std::min(context().next_due(), now + 5s);
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - now);
            const bool asked = is_readable(std::max(left, 0ms));
            if (!asked && clock_type::now() >= now + 5s) FAIL() << "nothing happens";
            if (asked || clock_type::now() >= context().next_due()) visit();
        }
    }
    std::optional<asio::executor_work_guard<berth::io_context::executor_type>> guard_;
    berth::io_context::native_wait_handle_type handle_ = berth::test::no_socket;
    int visits_ = 0;
};
BERTH_BY_BACKEND(embedding);

TEST_P(embedding, posts_of_this_and_of_other_threads_make_it_readable) {
    EXPECT_TRUE(falls_silent());
    int ran = 0;
    asio::post(context(), [&] { ++ran; });
    EXPECT_TRUE(is_readable(1s));
    EXPECT_EQ(visit(), 1u);
    EXPECT_TRUE(falls_silent());
    std::thread([&] { asio::post(context(), [&] { ++ran; }); }).join();
    EXPECT_TRUE(is_readable(1s));
    visit();
    EXPECT_EQ(ran, 2);
    EXPECT_TRUE(falls_silent());
}

TEST_P(embedding, a_context_out_of_work_falls_silent_however_often_it_is_restarted) {
    guard_.reset();
    for (int i = 0; i < 3; ++i) {
        visit();
        EXPECT_TRUE(context().stopped());
        context().restart();
    }
    const auto visit_again = [&] {
        context().restart();
        visit();
    };
    for (int i = 0; i < 10 && is_readable(40ms); ++i) visit_again();
    EXPECT_FALSE(is_readable(40ms)) << "it asks to be polled, and has nothing to do";
    int ran = 0;
    asio::post(context(), [&] { ++ran; });
    EXPECT_TRUE(is_readable(1s));
    visit_again();
    EXPECT_EQ(ran, 1);
}

TEST_P(embedding, timers_are_due_when_it_says_so) {
    EXPECT_EQ(context().next_due(), clock_type::time_point::max());
    berth::steady_timer late(context(), 1h), soon(context(), 20ms);
    bool expired = false;
    late.async_wait([](error_code) {});
    soon.async_wait([&](error_code ec) { expired = !ec; });
    EXPECT_EQ(context().next_due(), soon.expiry());
    const auto before = clock_type::now();
    live_until([&] { return expired; });
    EXPECT_LT(clock_type::now() - before, 2s);
    EXPECT_EQ(context().next_due(), late.expiry());
    std::thread([&] { late.cancel(); }).join();
    EXPECT_EQ(context().next_due(), clock_type::time_point::max());
    EXPECT_TRUE(is_readable(1s)) << "the wait has ended";
    EXPECT_EQ(visit(), 1u);
}

TEST_P(embedding, an_echo_is_served_with_few_visits_and_none_while_nothing_happens) {
    auto [local_end, remote_end] = connected();
    char data[64], back[4];
    const auto echo = [&, &remote_end = remote_end]() -> asio::awaitable<void> {
        for (;;) {
            const auto n = co_await remote_end.async_read_some(asio::buffer(data), use_awaitable);
            co_await asio::async_write(remote_end, asio::buffer(data, n), use_awaitable);
        }
    };
    asio::co_spawn(context(), echo, [](const std::exception_ptr&) {});
    EXPECT_TRUE(falls_silent());
    constexpr int rounds = 200;
    visits_ = 0;
    local_end.non_blocking(true);
    for (int i = 0; i < rounds; ++i) {
        local_end.write_some(asio::buffer("ping", 4));
        std::size_t got = 0;
        live_until([&, &local_end = local_end] {
            error_code ec;
            got += local_end.read_some(asio::buffer(back) + got, ec);
            return got == 4;
        });
    }
    EXPECT_LE(visits_, 3 * rounds);
    EXPECT_TRUE(falls_silent());
    guard_.reset();
    remote_end.close();  // outside of poll()
    EXPECT_TRUE(is_readable(1s));
    visit();
    EXPECT_TRUE(context().stopped()) << "the coroutine has ended";
}

TEST_P(embedding, what_an_exception_or_poll_one_left_over_is_not_forgotten) {
    int ran = 0;
    asio::post(context(), [] { throw std::runtime_error("from a handler"); });
    for (int i = 0; i < 3; ++i) asio::post(context(), [&] { ++ran; });
    EXPECT_THROW(visit(), std::runtime_error);
    EXPECT_TRUE(is_readable(1s));
    EXPECT_EQ(context().poll_one(), 1u);
    EXPECT_TRUE(is_readable(1s));
    live_until([&] { return ran == 3; });
}

TEST_P(embedding, other_threads_use_its_objects_while_nobody_polls) {
    constexpr int rounds = 100;
    auto [local_end, remote_end] = connected();
    std::atomic<int> ended{0};
    std::jthread other([&, &local_end = local_end, &remote_end = remote_end] {
        char data[1];
        for (int i = 0; i < rounds; ++i) {
            local_end.async_read_some(asio::buffer(data), [&](error_code, std::size_t) { ++ended; });
            if (i % 3 == 0) local_end.cancel();
            remote_end.write_some(asio::buffer("x", 1));
            berth::steady_timer timer(context(), 1h);
            timer.async_wait([&](error_code) { ++ended; });
            if (i % 10 == 0) std::this_thread::sleep_for(1ms);
        }
        local_end.close();
    });
    live_until([&] { return ended == 2 * rounds; });
    EXPECT_EQ(ended, 2 * rounds) << "each once";
    EXPECT_TRUE(falls_silent());
}

TEST_P(embedding, a_thread_that_comes_for_a_moment_is_no_reason_to_refuse_a_poll) {
    std::atomic<bool> over{false};
    std::jthread other([&] {
        for (int i = 0; i < 2000; ++i) {
            berth::steady_timer timer(context(), 1h);
            timer.async_wait([](error_code) {});
        }
        over = true;
    });
    while (!over) EXPECT_NO_THROW(visit());
}

TEST_P(embedding, it_may_still_be_run_as_ever) {
    berth::steady_timer timer(context(), 5ms);
    int expired = 0;
    timer.async_wait([&](error_code) { ++expired; });
    guard_.reset();
    run();
    guard_.emplace(context().get_executor());
    timer.expires_after(5ms);
    timer.async_wait([&](error_code) { ++expired; });
    live_until([&] { return expired == 2; });
}

}  // namespace
