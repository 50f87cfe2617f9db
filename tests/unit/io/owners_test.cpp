// Whoever touches a context's objects from elsewhere: before run(), beside it, from another context, at its end.
#include <atomic>

#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;

class owners : public tcp_by_backend {};
BERTH_BY_BACKEND(owners);

TEST_P(owners, cancel_ends_what_was_asked_for_before_run) {
    auto [local_end, remote_end] = connected();
    char data[8];
    std::vector<error_code> ends;
    for (int i = 0; i < 2; ++i)
        local_end.async_read_some(asio::buffer(data), [&](error_code ec, std::size_t) { ends.push_back(ec); });
    local_end.cancel();
    run();
    EXPECT_EQ(ends, (std::vector<error_code>(2, asio::error::operation_aborted)));
    local_end.async_read_some(asio::buffer(data), [&](error_code ec, std::size_t) { ends.push_back(ec); });
    remote_end.send(asio::buffer("x", 1));
    run();
    EXPECT_FALSE(ends.back()) << "what is asked for after it goes on";
}

TEST_P(owners, cancel_by_another_thread_ends_what_that_thread_just_asked_for) {
    auto [local_end, remote_end] = connected();
    const auto guard = asio::make_work_guard(context());
    std::thread runner([&] { context().run(); });
    for (int i = 0; i < 500; ++i) {
        char data[1];
        std::promise<error_code> said;
        auto heard = said.get_future();
        local_end.async_read_some(asio::buffer(data), [&](error_code ec, std::size_t) { said.set_value(ec); });
        local_end.cancel();
        ASSERT_EQ(heard.wait_for(5s), std::future_status::ready) << "cancelled, and never ended";
        EXPECT_EQ(heard.get(), asio::error::operation_aborted);
    }
    context().stop();
    runner.join();
}

TEST_P(owners, run_waits_for_a_thread_that_closes_a_socket_meanwhile) {
    std::atomic<int> left{5000};
    std::thread other([&] {
        for (; left > 0; --left) tcp_socket(context(), tcp::v4()).close();
    });
    while (left > 0) {
        asio::post(context(), [] {});
        EXPECT_NO_THROW(context().poll()) << (left = 0);
        context().restart();
    }
    other.join();
}

TEST_P(owners, of_many_threads_that_close_sockets_of_an_idle_context_none_is_left_waiting) {
    std::vector<std::thread> all;
    std::atomic<int> started{0};
    for (int t = 0; t < 4; ++t) {
        all.emplace_back([&] {
            for (++started; started != 4;) std::this_thread::yield();
            for (int i = 0; i < 3000; ++i) tcp_socket(context(), tcp::v4()).close();
        });
    }
    for (auto& t : all) t.join();
}

TEST_P(owners, two_contexts_close_each_others_sockets_at_the_same_time) {
    berth::io_context second({.backend = GetParam()});
    berth::io_context* const both[] = {&context(), &second};
    std::atomic<int> closed{0}, started{0};
    std::vector<std::thread> all;
    for (int me = 0; me < 2; ++me) {
        asio::post(*both[me], [&, me] {
            for (++started; started != 2;) std::this_thread::yield();
            for (int i = 0; i < 100; ++i) {
                tcp_socket(*both[1 - me], tcp::v4()).close();
                ++closed;
            }
        });
    }
    const auto one = asio::make_work_guard(context()), two = asio::make_work_guard(second);
    for (auto* const c : both) all.emplace_back([c] { c->run(); });
    for (int i = 0; i < 1000 && closed != 200; ++i) std::this_thread::sleep_for(10ms);
    EXPECT_EQ(closed, 200);
    for (auto* const c : both) c->stop();
    for (auto& t : all) t.join();
}

TEST_P(owners, a_timer_is_cancelled_by_another_thread_while_it_expires) {
    const auto guard = asio::make_work_guard(context());
    std::thread runner([&] { context().run(); });
    std::atomic<int> ended{0};
    int started = 0;
    for (int i = 0; i < 300; ++i) {
        berth::steady_timer timer(context(), std::chrono::microseconds(i % 100));
        for (int k = 0; k < 3; ++k, ++started) timer.async_wait([&](error_code) { ++ended; });
        timer.cancel_one();
        timer.cancel();
    }
    for (int i = 0; i < 500 && ended != started; ++i) std::this_thread::sleep_for(10ms);
    context().stop();
    runner.join();
    EXPECT_EQ(ended, started);
}

struct session {
    tcp_socket left, right;
    std::shared_ptr<int> alive;
    char data[2];
};

/// Two sockets whose reads keep one object, as in any proxy.
void relay(const std::shared_ptr<session>& s) {
    s->left.async_read_some(asio::buffer(s->data, 1), [s](error_code, std::size_t) {});
    s->right.async_read_some(asio::buffer(s->data + 1, 1), [s](error_code, std::size_t) {});
}

TEST_P(owners, sessions_of_several_sockets_go_with_their_context) {
    const auto alive = std::make_shared<int>(0);
    for (int i = 0; i < 20; ++i) {
        auto [local_end, remote_end] = connected();
        relay(std::make_shared<session>(session{std::move(local_end), std::move(remote_end), alive, {}}));
    }
    context().poll();
    EXPECT_EQ(alive.use_count(), 21);
    context_.reset();
    EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
