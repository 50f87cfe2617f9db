// A server stops: gracefully, nobody cut before the deadline; at the deadline; now.
#include "unit/server/server_ground.hpp"

#include <berth/steady_timer.hpp>

#include <asio/experimental/awaitable_operators.hpp>

#include <atomic>

namespace {

using namespace server_test;

class server_stop : public server_by_backend {};
BERTH_BY_BACKEND(server_stop);

/// Answers each request after a while, also those that came before a stop.
awaitable<void> slow_answers(connection c) {
    berth::steady_timer timer(c.get_executor());
    for (char data[64];;) {
        const auto [ec, size] = co_await c.async_read_unless_stopping(asio::buffer(data), as_tuple);
        if (ec) co_return;
        timer.expires_after(100ms);
        co_await timer.async_wait(use_awaitable);
        co_await asio::async_write(c, asio::buffer(data, size), use_awaitable);
    }
}

TEST_P(server_stop, all_requests_in_flight_are_answered_and_nobody_is_cut) {
    const auto running = serve(slow_answers);
    std::vector<client> busy, idle;
    for (int i = 0; i < 40; ++i) busy.emplace_back(at_);
    for (int i = 0; i < 10; ++i) idle.emplace_back(at_);
    for (const auto& c : idle) ASSERT_TRUE(c);
    ASSERT_TRUE(soon([](const auto& b) { return b.accepted == 50; }));
    for (const auto& c : busy) c.say("request");
    ASSERT_TRUE(soon([](const auto& b) { return b.bytes_in == 40 * 7; }));
    const auto start = clock::now();
    EXPECT_FALSE(stopped(5s)) << "nobody was cut";
    EXPECT_LT(clock::now() - start, 4s) << "not the deadline";
    for (const auto& c : busy) EXPECT_EQ(c.hear(100), "request");
    for (const auto& c : idle) EXPECT_EQ(c.wait_for_end(), client::ended);
    EXPECT_FALSE(client(at_)) << "refused: it does not listen any more";
    EXPECT_EQ(books().active, 0u);
    EXPECT_EQ(books().cut, 0u);
    EXPECT_EQ(books().ended, 50u);
}

TEST_P(server_stop, whom_the_system_has_accepted_for_us_is_served_too) {
    make();
    server_->start(slow_answers);
    std::vector<client> queued;  // no shard runs yet
    for (int i = 0; i < 10; ++i) {
        queued.emplace_back(at_);
        ASSERT_TRUE(queued.back());
        queued.back().say("early");
    }
    std::promise<error_code> said;
    server_->async_stop(5s, [&](error_code ec) { said.set_value(ec); });
    shards_->start();
    auto future = said.get_future();
    ASSERT_EQ(future.wait_for(10s), std::future_status::ready);
    EXPECT_FALSE(future.get());
    for (const auto& c : queued) EXPECT_EQ(c.hear(100), "early");
}

TEST_P(server_stop, who_does_not_end_is_cut_at_the_deadline_and_not_before) {
    const auto running = serve([](connection c) -> awaitable<void> {
        char data[64];
        for (;;) co_await c.async_read_some(asio::buffer(data), use_awaitable);  // hears nothing of a stop
    });
    const client stubborn(at_);
    ASSERT_TRUE(soon_active(1));
    const auto start = clock::now();
    EXPECT_EQ(stopped(200ms), asio::error::timed_out);
    EXPECT_GE(clock::now() - start, 195ms);
    EXPECT_LT(clock::now() - start, 3s);
    EXPECT_EQ(stubborn.wait_for_end(), client::ended);
    EXPECT_TRUE(soon_active(0));
    EXPECT_EQ(books().cut, 1u);
    EXPECT_EQ(books().handler_failures, 0u) << "that it was cut is not its fault";
}

TEST_P(server_stop, who_goes_on_without_a_connection_at_the_deadline_is_not_taken_for_ended) {
    const auto running = serve([](connection c) -> awaitable<void> {
        berth::steady_timer timer(c.get_executor(), 400ms);
        c.close();
        co_await timer.async_wait(use_awaitable);
    });
    const client one(at_);
    ASSERT_TRUE(soon([](const auto& b) { return b.accepted == 1; }));
    EXPECT_EQ(stopped(50ms), asio::error::timed_out);
    EXPECT_TRUE(soon([](const auto& b) { return b.ended == 1; }));
    EXPECT_EQ(books().cut, 0u);
}

TEST_P(server_stop, a_handler_that_lets_the_stop_come_out_as_an_exception_has_not_failed) {
    const auto running = serve([](connection c) -> awaitable<void> {
        char data[64];
        for (;;) co_await c.async_read_unless_stopping(asio::buffer(data), use_awaitable);
    });
    const client idle(at_);
    ASSERT_TRUE(soon_active(1));
    EXPECT_FALSE(stopped(5s));
    EXPECT_EQ(idle.wait_for_end(), client::ended);
    EXPECT_EQ(books().handler_failures + books().cut, 0u);
}

TEST_P(server_stop, an_answer_that_is_cut_off_ends_with_a_reset) {
    BERTH_NEEDS_RESETS_TO_BE_KEPT();
    const auto running = serve([](connection c) -> awaitable<void> {
        c.write(asio::buffer(std::string(16 << 20, 'a')));
        co_return;
    });
    const client slow(at_, "127.0.0.1", 4096);
    ASSERT_TRUE(soon_active(1));
    EXPECT_EQ(stopped(50ms), asio::error::timed_out);
    EXPECT_EQ(slow.wait_for_end(), client::reset);
}

TEST_P(server_stop, stop_ends_all_now) {
    const auto running = serve(echo_callbacks());
    std::vector<client> all;
    for (int i = 0; i < 20; ++i) all.emplace_back(at_);
    ASSERT_TRUE(soon_active(20));
    EXPECT_FALSE(server_->stopping());
    server_->stop();
    EXPECT_TRUE(server_->stopping());
    EXPECT_TRUE(soon_active(0));
    for (const auto& c : all) EXPECT_NE(c.wait_for_end(), client::open);
}

TEST_P(server_stop, a_second_stop_shortens_the_first_and_both_hear_of_the_end) {
    const auto running = serve([](connection c) -> awaitable<void> {
        char data[64];
        for (;;) co_await c.async_read_some(asio::buffer(data), use_awaitable);
    });
    const client stubborn(at_);
    ASSERT_TRUE(soon_active(1));
    auto first = server_->async_stop(1h, asio::use_future);
    auto second = server_->async_stop(100ms, asio::use_future);
    EXPECT_EQ(first.wait_for(5s), std::future_status::ready);
    EXPECT_EQ(second.wait_for(5s), std::future_status::ready);
    EXPECT_THROW(first.get(), std::system_error);
    EXPECT_EQ(stopped(1h), asio::error::timed_out) << "a later one hears the same, at once";
}

TEST_P(server_stop, a_handler_may_wait_for_the_stop_and_for_its_client_at_once) {
    using namespace asio::experimental::awaitable_operators;
    const auto running = serve([](connection c) -> awaitable<void> {
        char data[64];
        const auto which = co_await (c.async_read_some(asio::buffer(data), use_awaitable) ||
                                     c.async_wait_stopping(use_awaitable));
        EXPECT_EQ(which.index() == 1, c.stopping());
        co_await asio::async_write(c, asio::buffer(which.index() == 1 ? "bye" : "hey", 3), use_awaitable);
    });
    const client speaks(at_), listens(at_);
    ASSERT_TRUE(soon_active(2));
    EXPECT_EQ(speaks.ask("hey"), "hey");
    EXPECT_FALSE(stopped(5s));
    EXPECT_EQ(listens.hear(100), "bye");
}

TEST_P(server_stop, callbacks_hear_of_it) {
    std::atomic<int> told{0};
    auto calls = echo_callbacks();
    calls.stopping = [&](connection& c) {
        ++told;
        c.write(asio::buffer("bye", 3));
        c.finish();
    };
    const auto running = serve(calls);
    const client one(at_), two(at_);
    ASSERT_TRUE(soon_active(2));
    EXPECT_FALSE(stopped(5s));
    EXPECT_EQ(one.hear(100), "bye");
    EXPECT_EQ(two.hear(100), "bye");
    EXPECT_EQ(told, 2);
}

TEST_P(server_stop, a_server_that_never_started_stops_at_once) {
    make();
    shards_->start();
    EXPECT_FALSE(stopped(5s));
    EXPECT_FALSE(client(at_));
    EXPECT_THROW(server_->start(echo), std::system_error);
}

TEST_P(server_stop, stops_come_while_clients_come_and_go) {
    const auto running = serve(echo);
    std::atomic<int> answered{0}, refused{0}, lost{0};
    std::vector<std::thread> crowd;
    for (int t = 0; t < 8; ++t) {
        crowd.emplace_back([&] {
            for (;;) {
                const client c(at_);
                if (!c) return static_cast<void>(++refused);
                c.say("hello");
                const auto heard = c.hear(5);
                heard == "hello" ? ++answered : ++lost;
                if (heard != "hello") return;
            }
        });
    }
    while (answered < 200) std::this_thread::sleep_for(1ms);
    EXPECT_FALSE(stopped(5s));
    for (auto& thread : crowd) thread.join();
    EXPECT_EQ(books().active, 0u);
    EXPECT_EQ(books().cut, 0u);
    EXPECT_LE(lost, 8) << "at most the one that came while the listener closed, for each";
}

}  // namespace
