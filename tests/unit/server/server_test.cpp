// A server serves: coroutines and callbacks, over shards, on ports of a reservation; and its books add up.
#include "unit/server/server_ground.hpp"

#include <berth/log.hpp>
#include <berth/port_reservation.hpp>

#include <asio/read_until.hpp>

#include <atomic>

namespace {

using namespace server_test;

class server_serves : public server_by_backend {};
BERTH_BY_BACKEND(server_serves);

TEST_P(server_serves, a_coroutine_answers_each_client) {
    const auto running = serve(echo);
    const client one(at_), two(at_);
    EXPECT_EQ(one.ask("first"), "first");
    EXPECT_EQ(two.ask("second"), "second");
    EXPECT_EQ(one.ask("again"), "again");
    one.end();
    EXPECT_EQ(one.wait_for_end(), client::ended);
    EXPECT_TRUE(soon_active(1));
    EXPECT_EQ(books().bytes_in, 16u);
    EXPECT_TRUE(soon([](const auto& b) { return b.bytes_out == 16; })) << "a client may hear of it first";
}

TEST_P(server_serves, callbacks_answer_each_client_and_hear_of_its_end) {
    std::atomic<int> opened{0}, ended{0};
    auto calls = echo_callbacks();
    calls.opened = [&](connection&) { ++opened; };
    calls.closed = [&](connection& c, error_code ec) {
        EXPECT_EQ(ec, asio::error::eof);
        EXPECT_FALSE(c.is_open());
        ++ended;
    };
    const auto running = serve(calls);
    const client one(at_), two(at_);
    EXPECT_EQ(one.ask("first"), "first");
    EXPECT_EQ(two.ask("second"), "second");
    EXPECT_EQ(one.ask(std::string(100'000, 'x')).size(), 100'000u) << "more than a buffer that is lent";
    EXPECT_EQ(opened, 2);
    one.end();
    EXPECT_EQ(one.wait_for_end(), client::ended);
    EXPECT_TRUE(soon_active(1));
    EXPECT_EQ(ended, 1);
    two.end();
    EXPECT_TRUE(soon_active(0));
    EXPECT_EQ(ended, 2);
}

TEST_P(server_serves, what_is_queued_reaches_the_client_before_the_end) {
    const std::string all(3'000'000, 'q');
    const auto running = serve([&](connection c) -> awaitable<void> {
        c.write(asio::buffer(all));
        co_return;
    });
    const client slow(at_);
    EXPECT_EQ(slow.hear(all.size() + 1), all);
    EXPECT_TRUE(soon_active(0));
    EXPECT_EQ(books().aborted + books().cut, 0u);
}

TEST_P(server_serves, asios_algorithms_work_on_a_connection) {
    const auto running = serve([](connection c) -> awaitable<void> {
        std::string line;
        co_await asio::async_read_until(c, asio::dynamic_buffer(line), '\n', use_awaitable);
        co_await asio::async_write(c, asio::buffer("heard " + line), use_awaitable);
    });
    const client one(at_);
    one.say("in ");
    one.say("parts\n");
    EXPECT_EQ(one.hear(100), "heard in parts\n");
}

TEST_P(server_serves, a_thousand_connections_are_spread_over_two_shards) {
    std::array<std::atomic<int>, 2> seen{};
    const auto running = serve([&](connection c) -> awaitable<void> {
        EXPECT_EQ(c.shard(), shards_->current());
        ++seen[c.shard()];
        co_await echo(c);
    });
    std::vector<client> all;
    for (int i = 0; i < 1000; ++i) {
        all.emplace_back(at_);
        ASSERT_TRUE(all.back()) << i;
    }
    for (const auto& c : all) c.say("0123456789");
    for (const auto& c : all) ASSERT_EQ(c.hear(10), "0123456789");
    EXPECT_EQ(books().active, 1000u);
    EXPECT_EQ(server_->statistics(0).accepted, static_cast<std::uint64_t>(seen[0]));
    EXPECT_EQ(server_->statistics(1).accepted, static_cast<std::uint64_t>(seen[1]));
    EXPECT_EQ(seen[0] + seen[1], 1000);
    for (const auto& count : seen) EXPECT_GT(count, 0) << "none of them is left out";
    all.clear();
    EXPECT_TRUE(soon_active(0));
    EXPECT_EQ(books().ended, 1000u);
    EXPECT_EQ(books().bytes_in, 10'000u);
    EXPECT_TRUE(soon([](const auto& b) { return b.bytes_out == 10'000; }));
}

TEST_P(server_serves, a_port_of_a_reservation_is_served_by_all_shards_and_goes_back) {
    berth::reservation_request request;
    request.block = {.first = 0, .count = 2};
    request.family = berth::address_family::ipv4;
    request.protocol = berth::transport::tcp;
    berth::failure why;
    auto ports = berth::port_reservation::reserve(request, why);
    if (why.code == berth::errc::operation_not_supported) GTEST_SKIP() << why.what;
    ASSERT_FALSE(why) << why.what;
    make();
    error_code ec;
    at_ = server_->listen(ports.take(berth::transport::tcp, ec));
    ASSERT_FALSE(ec);
    server_->start(echo);
    shards_->start();
    const client one(at_);
    EXPECT_EQ(one.ask("served"), "served");
    EXPECT_FALSE(stopped(5s));
    ports.reclaim();
    EXPECT_EQ(ports.statistics().ports.available, 2u);
}

TEST_P(server_serves, an_exception_ends_its_connection_alone_and_is_counted) {
    berth::set_log_sink(nullptr);
    const auto running = serve([](connection c) -> awaitable<void> {
        char data[16];
        const auto size = co_await c.async_read_some(asio::buffer(data), use_awaitable);
        if (std::string_view(data, size) == "throw") throw std::runtime_error("as asked");
        if (std::string_view(data, size) == "throw system_error") throw std::system_error(asio::error::fault);
        co_await c.async_write_some(asio::buffer(data, size), use_awaitable);
        co_await c.async_read_some(asio::buffer(data), use_awaitable);  // throws eof, which is an end like any other
    });
    const client good(at_), bad(at_);
    EXPECT_EQ(good.ask("good"), "good");
    bad.say("throw");
    EXPECT_EQ(bad.wait_for_end(), client::ended);
    EXPECT_TRUE(soon([](const auto& b) { return b.handler_failures == 1 && b.active == 1; }));
    good.end();
    EXPECT_EQ(good.wait_for_end(), client::ended);
    EXPECT_TRUE(soon_active(0));
    EXPECT_EQ(books().handler_failures, 1u);
}

TEST_P(server_serves, an_exception_of_a_callback_ends_its_connection_alone_and_is_logged) {
    static std::atomic<int> lines;
    lines = 0;
    berth::set_log_sink([](berth::log_level, std::string_view line, void*) noexcept {
        if (line.find("as asked") != std::string_view::npos) ++lines;
    });
    auto calls = echo_callbacks();
    calls.received = [](connection& c, asio::const_buffer bytes) {
        if (bytes.size() == 5) throw std::runtime_error("as asked");
        c.write(bytes);
    };
    const auto running = serve(calls);
    const client good(at_), bad(at_);
    bad.say("throw");
    EXPECT_EQ(bad.wait_for_end(), client::ended);
    EXPECT_EQ(good.ask("good"), "good");
    EXPECT_EQ(books().handler_failures, 1u);
    EXPECT_EQ(lines, 1);
    berth::set_log_sink(nullptr);
}

TEST_P(server_serves, a_reset_by_the_client_is_counted_as_aborted) {
    BERTH_NEEDS_RESETS_TO_BE_KEPT();
    const auto running = serve(echo);
    client one(at_);
    EXPECT_EQ(one.ask("x"), "x");
    one.abort();
    EXPECT_TRUE(soon([](const auto& b) { return b.aborted == 1 && b.active == 0; }));
    TearDown();
    const auto running_again = serve(echo_callbacks());
    client two(at_);
    EXPECT_EQ(two.ask("x"), "x");
    two.abort();
    EXPECT_TRUE(soon([](const auto& b) { return b.aborted == 1 && b.active == 0; }));
}

TEST_P(server_serves, a_server_on_one_context_needs_no_shards) {
    berth::io_context loop({.backend = GetParam()});
    server one(loop);
    const auto at = one.listen(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    one.start(echo);
    const client c(at);
    c.say("now");
    error_code ec = asio::error::fault;
    loop.run_for(50ms);
    one.async_stop(1s, [&](error_code e) { ec = e; });
    loop.run_for(5s);
    EXPECT_EQ(c.hear(3), "now");
    EXPECT_FALSE(ec);
    EXPECT_TRUE(loop.stopped()) << "out of work";
}

TEST_P(server_serves, it_may_go_with_connections_open_and_contexts_that_run_or_not) {
    const auto running = serve(echo);
    const client one(at_);
    EXPECT_EQ(one.ask("x"), "x");
    server_.reset();
    EXPECT_NE(one.wait_for_end(), client::open);
    TearDown();
    make();
    server_->start(echo_callbacks());
    const client two(at_);
    shards_->start();
    EXPECT_EQ(two.ask("x"), "x");
    shards_->stop();
    shards_->join();
    server_.reset();
    EXPECT_NE(two.wait_for_end(), client::open);
}

TEST_P(server_serves, what_makes_no_sense_is_refused_and_says_what) {
    make();
    const auto refused = [&](const server_options& options) -> std::string {
        try {
            const server bad(*shards_, options);
        } catch (const std::invalid_argument& e) {
            return e.what();
        }
        return "";
    };
    EXPECT_NE(refused({.tick = 1us}).find("tick"), std::string::npos);
    EXPECT_NE(refused({.idle = -1s}).find("negative"), std::string::npos);
    EXPECT_NE(refused({.high_watermark = 10, .low_watermark = 20}).find("low_watermark 20"), std::string::npos);
    server deaf(*shards_);
    EXPECT_THROW(deaf.start(echo), std::system_error) << "it listens nowhere";
    EXPECT_THROW(deaf.listen(at_), std::system_error) << "in use";
    server_->start(echo);
    EXPECT_THROW(server_->start(echo), std::system_error);
    EXPECT_THROW(server_->listen(tcp::endpoint(asio::ip::address_v4::loopback(), 0)), std::system_error);
}

}  // namespace
