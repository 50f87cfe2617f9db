// The write queue of a connection: what is written together goes together, and a producer waits for a slow reader.
#include "unit/server/server_ground.hpp"

#include <atomic>

namespace {

using namespace server_test;

class server_queue : public server_by_backend {};
BERTH_BY_BACKEND(server_queue);

TEST_P(server_queue, small_writes_of_one_turn_go_together) {
    std::promise<std::size_t> queued;
    const auto running = serve([&](connection c) -> awaitable<void> {
        for (int i = 0; i < 100; ++i) c.write(asio::buffer("ten bytes\n", 10));
        queued.set_value(c.queued());
        co_await c.async_flushed(use_awaitable);
        EXPECT_EQ(c.queued(), 0u);
        char data[1];
        co_await c.async_read_some(asio::buffer(data), as_tuple);
    });
    const client one(at_);
    EXPECT_EQ(queued.get_future().get(), 1000u) << "nothing was sent yet";
    std::string heard(2000, '\0');
    heard.resize(static_cast<std::size_t>(system::receive_some(one.socket(), heard.data(), heard.size())));
    EXPECT_EQ(heard.size(), 1000u) << "one segment";
}

TEST_P(server_queue, several_buffers_are_one_message_and_none_is_none) {
    const auto running = serve([](connection c) -> awaitable<void> {
        const std::array<asio::const_buffer, 3> parts{asio::buffer("one ", 4), asio::const_buffer(),
                                                      asio::buffer("two", 3)};
        EXPECT_TRUE(c.write(parts));
        EXPECT_TRUE(c.write(asio::const_buffer()));
        EXPECT_EQ(c.queued(), 7u);
        co_return;
    });
    EXPECT_EQ(client(at_).hear(100), "one two");
}

TEST_P(server_queue, a_producer_waits_between_high_and_low_while_the_reader_stops) {
    constexpr std::size_t high = 200'000, low = 50'000, part = 10'000;
    std::atomic<std::size_t> produced{0}, at_rest{0}, most{0};
    std::atomic<bool> goes_on{true};
    server_options options{.high_watermark = high, .low_watermark = low};
    const auto running = serve(
        [&](connection c) -> awaitable<void> {
            const std::string bytes(part, 'p');
            while (goes_on) {
                const bool may_go_on = c.write(asio::buffer(bytes));
                produced += part;
                most = std::max(most.load(), c.queued());
                EXPECT_EQ(may_go_on, !c.is_above_high());
                if (may_go_on) continue;
                EXPECT_GT(c.queued(), high);
                co_await c.async_drained(use_awaitable);
                EXPECT_LE(c.queued(), low);
                ++at_rest;
            }
        },
        options, 1);
    const struct ends_producing {  // else the server would wait for the producer, which nothing else ends
        std::atomic<bool>& goes_on;
        ~ends_producing() { goes_on = false; }
    } at_the_end{goes_on};
    const client slow(at_, "127.0.0.1", 16384);
    std::size_t before = 0;
    for (int still = 0; still < 10; still = produced == before ? still + 1 : 0) {
        before = produced;
        ASSERT_LE(before, std::size_t{64} << 20) << "the producer does not wait for who does not read";
        std::this_thread::sleep_for(10ms);
    }
    ASSERT_LE(most, high + part) << "the producer waited";
    const std::size_t rests = at_rest;
    std::size_t heard = 0;
    while (heard < before + 2 * high) {
        const auto bytes = slow.hear(100'000);
        ASSERT_FALSE(bytes.empty());
        heard += bytes.size();
    }
    EXPECT_GT(at_rest, rests) << "and went on";
    goes_on = false;
    while (heard < produced) {
        const auto bytes = slow.hear(std::min<std::size_t>(100'000, produced - heard));
        if (bytes.empty()) break;
        heard += bytes.size();
    }
    EXPECT_TRUE(soon_active(0));
    EXPECT_LE(most, high + part);
    EXPECT_EQ(books().bytes_out, produced);
}

TEST_P(server_queue, callbacks_are_not_given_more_while_the_client_does_not_read) {
    std::atomic<int> drained{0};
    auto calls = echo_callbacks();
    calls.drained = [&](connection&) { ++drained; };
    const auto running = serve(calls, {.high_watermark = 100'000, .low_watermark = 20'000});
    const client rude(at_, "127.0.0.1", 16384);
    system::set_nonblocking(rude.socket(), true);
    const std::string bytes(64 * 1024, 'r');
    std::size_t said = 0;
    for (int still = 0; still < 20;) {
        const auto n = system::send_some(rude.socket(), bytes.data(), bytes.size());
        if (n > 0) said += static_cast<std::size_t>(n), still = 0;
        if (n <= 0) ++still, std::this_thread::sleep_for(10ms);
    }
    EXPECT_GT(said, books().bytes_in) << "the system holds the rest: the server does not read it";
    system::set_nonblocking(rude.socket(), false);
    EXPECT_EQ(rude.hear(said).size(), said) << "all comes back in the end";
    EXPECT_GT(drained, 0);
    EXPECT_EQ(books().bytes_in, said);
}

TEST_P(server_queue, who_waits_for_a_queue_hears_of_the_end) {
    std::promise<error_code> said;
    const auto running = serve([&](connection c) -> awaitable<void> {
        c.write(asio::buffer(std::string(16 << 20, 'w')));  // more than the system takes
        const auto [ec] = co_await c.async_drained(as_tuple);
        said.set_value(ec);
    });
    client gone(at_, "127.0.0.1", 4096);
    std::this_thread::sleep_for(20ms);
    gone.abort();
    auto future = said.get_future();
    ASSERT_EQ(future.wait_for(5s), std::future_status::ready);
    EXPECT_EQ(future.get(), asio::error::operation_aborted);
    EXPECT_TRUE(soon([](const auto& b) { return b.active == 0 && b.aborted == 1; }));
}

TEST_P(server_queue, a_wait_is_cancelled_through_its_slot) {
    std::promise<error_code> said;
    asio::cancellation_signal signal;
    const auto running = serve(
        [&](connection c) -> awaitable<void> {
            c.write(asio::buffer(std::string(16 << 20, 'w')));
            c.async_drained(asio::bind_cancellation_slot(signal.slot(), [&](error_code ec) { said.set_value(ec); }));
            asio::post(c.get_executor(), [&] { signal.emit(asio::cancellation_type::terminal); });
            char data[1];
            co_await c.async_read_some(asio::buffer(data), as_tuple);
        },
        {}, 1);
    const client slow(at_, "127.0.0.1", 4096);
    auto future = said.get_future();
    ASSERT_EQ(future.wait_for(5s), std::future_status::ready);
    EXPECT_EQ(future.get(), asio::error::operation_aborted);
}

TEST_P(server_queue, after_the_end_nothing_is_queued) {
    std::promise<bool> said;
    const auto running = serve([&](connection c) -> awaitable<void> {
        c.write(asio::buffer("last", 4));
        c.finish();
        EXPECT_FALSE(c.write(asio::buffer("late", 4)));
        co_await c.async_flushed(as_tuple);
        EXPECT_FALSE(c.write(asio::buffer("late", 4)));
        said.set_value(c.is_open());
    });
    EXPECT_EQ(client(at_).hear(100), "last");
    EXPECT_FALSE(said.get_future().get());
}

}  // namespace
