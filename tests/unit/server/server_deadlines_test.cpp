// Deadlines of a server against clients that are slow, in each way to be so; none comes early, and the quick stay.
#include "unit/server/server_ground.hpp"

namespace {

using namespace server_test;

class server_deadlines : public server_by_backend {
protected:
    static server_options none() {
        server_options options;
        options.first_byte = options.idle = options.total = options.write = 0s;
        options.tick = 5ms;
        return options;
    }
    /// How long it took until the server ended the connection.
    static std::chrono::milliseconds time_to_end(const client& c) {
        const auto start = clock::now();
        EXPECT_NE(c.wait_for_end(), client::open);
        return std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - start);
    }
};
BERTH_BY_BACKEND(server_deadlines);

TEST_P(server_deadlines, a_client_that_says_nothing_is_ended_by_the_first_byte_deadline) {
    auto options = none();
    options.first_byte = 100ms;
    error_code said;
    const auto running = serve(
        [&](connection c) -> awaitable<void> {
            char data[16];
            const auto [ec, size] = co_await c.async_read_some(asio::buffer(data), as_tuple);
            if (!ec) co_await echo(c);
            if (ec) said = ec;
            EXPECT_TRUE(!ec || c.end() == berth::connection_end::first_byte);
        },
        options);
    const client quick(at_), silent(at_);
    quick.say("!");
    const auto took = time_to_end(silent);
    EXPECT_GE(took, 95ms);
    EXPECT_LT(took, 2s);
    EXPECT_TRUE(soon_active(1));
    EXPECT_EQ(said, asio::error::timed_out);
    EXPECT_EQ(books().first_byte_timeouts, 1u);
    std::this_thread::sleep_for(50ms);
    EXPECT_EQ(quick.ask("still"), "still") << "what has spoken has no such deadline any more";
}

TEST_P(server_deadlines, a_client_that_stops_speaking_is_ended_by_the_idle_deadline) {
    auto options = none();
    options.idle = 100ms;
    std::atomic<bool> heard{false};
    auto calls = echo_callbacks();
    calls.closed = [&](connection& c, error_code ec) {
        heard = ec == asio::error::timed_out && c.end() == berth::connection_end::idle;
    };
    const auto running = serve(calls, options);
    const client busy(at_), lazy(at_);
    EXPECT_EQ(lazy.ask("once"), "once");
    std::jthread speaker([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            EXPECT_EQ(busy.ask("b"), "b");
            std::this_thread::sleep_for(20ms);
        }
    });
    const auto took = time_to_end(lazy);
    EXPECT_GE(took, 90ms);
    EXPECT_LT(took, 2s);
    std::this_thread::sleep_for(200ms);
    EXPECT_EQ(books().active, 1u) << "the busy one";
    EXPECT_EQ(books().idle_timeouts, 1u);
    EXPECT_TRUE(heard);
}

TEST_P(server_deadlines, a_client_that_never_ends_is_ended_by_the_total_deadline) {
    auto options = none();
    options.total = 150ms;
    const auto running = serve(echo_callbacks(), options);
    const client busy(at_);
    const auto start = clock::now();
    while (system::send_some(busy.socket(), "b", 1) == 1 && busy.hear(1) == "b" && clock::now() - start < 5s) {
        std::this_thread::sleep_for(5ms);
    }
    EXPECT_GE(clock::now() - start, 145ms);
    EXPECT_LT(clock::now() - start, 2s);
    EXPECT_TRUE(soon_active(0));
    EXPECT_EQ(books().total_timeouts, 1u);
}

TEST_P(server_deadlines, a_client_that_does_not_read_is_reset_by_the_write_deadline) {
    BERTH_NEEDS_RESETS_TO_BE_KEPT();
    auto options = none();
    options.write = 150ms;
    const auto running = serve(
        [](connection c) -> awaitable<void> {
            const std::string much(1 << 20, 'm');
            while (c.is_open()) {
                if (!c.write(asio::buffer(much))) co_await c.async_drained(use_awaitable);
            }
        },
        options);
    const client slow(at_, "127.0.0.1", 4096);
    const auto start = clock::now();
    EXPECT_TRUE(soon([](const auto& b) { return b.write_timeouts == 1 && b.active == 0; }));
    EXPECT_GE(clock::now() - start, 145ms);
    EXPECT_EQ(slow.wait_for_end(), client::reset) << "not an end that looks like one of all that was sent";
    EXPECT_EQ(books().handler_failures, 0u);
}

TEST_P(server_deadlines, so_it_is_where_the_handler_writes_past_the_queue) {
    auto options = none();
    options.write = 150ms;
    std::promise<error_code> said;
    const auto running = serve(
        [&](connection c) -> awaitable<void> {
            const std::string much(64 << 20, 'm');
            const auto [ec, size] = co_await asio::async_write(c, asio::buffer(much), as_tuple);
            said.set_value(ec);
        },
        options);
    const client slow(at_, "127.0.0.1", 4096);
    auto future = said.get_future();
    ASSERT_EQ(future.wait_for(5s), std::future_status::ready);
    EXPECT_EQ(future.get(), asio::error::timed_out);
    EXPECT_TRUE(soon_active(0));
    EXPECT_EQ(books().write_timeouts, 1u);
}

TEST_P(server_deadlines, a_client_that_reads_slowly_but_does_is_served_to_the_end) {
    auto options = none();
    options.write = 200ms;
    const std::string all(2 << 20, 's');
    const auto running = serve(
        [&](connection c) -> awaitable<void> {
            c.write(asio::buffer(all));
            co_return;
        },
        options);
    const client slow(at_, "127.0.0.1", 65536);
    std::size_t heard = 0;
    const auto start = clock::now();
    for (std::string part; heard < all.size(); heard += part.size()) {
        std::this_thread::sleep_for(10ms);
        part = slow.hear(64 * 1024);
        if (part.empty()) break;
    }
    EXPECT_EQ(heard, all.size());
    EXPECT_GT(clock::now() - start, 300ms) << "longer than the deadline, or nothing is shown";
    EXPECT_TRUE(soon_active(0));
    EXPECT_EQ(books().write_timeouts, 0u);
}

TEST_P(server_deadlines, a_shard_that_was_busy_itself_ends_nobody_for_it) {
    auto options = none();
    options.idle = 100ms;
    const auto running = serve(echo, options, 1);
    const client patient(at_);
    EXPECT_EQ(patient.ask("x"), "x");
    std::promise<void> slept;
    asio::post((*shards_)[0], [&] {
        std::this_thread::sleep_for(300ms);
        slept.set_value();
    });
    std::this_thread::sleep_for(50ms);
    patient.say("in time");
    slept.get_future().get();
    EXPECT_EQ(patient.hear(7), "in time");
    EXPECT_EQ(books().idle_timeouts, 0u);
}

TEST_P(server_deadlines, a_thousand_idle_clients_are_ended_and_nothing_is_left) {
    auto options = none();
    options.idle = 300ms;
    const auto running = serve(echo_callbacks(), options);
    std::vector<client> all;
    for (int i = 0; i < 1000; ++i) all.emplace_back(at_);
    EXPECT_TRUE(soon([](const auto& b) { return b.idle_timeouts == 1000 && b.active == 0; }));
    for (const auto& c : all) EXPECT_EQ(c.wait_for_end(), client::ended);
}

}  // namespace
