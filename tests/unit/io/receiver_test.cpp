// What is received is asked for piece by piece: nothing is lost between two questions, and nobody hoards buffers.
#include "unit/io/tcp_ground.hpp"

#include <berth/receiver.hpp>
#include <berth/udp_writer.hpp>

#include <memory>
#include <optional>

namespace {

using namespace io_test;
using berth::lent_buffer;
using berth::tcp_receiver;

std::string text_in(const lent_buffer& b) { return {static_cast<const char*>(b.data()), b.size()}; }

class receiver : public tcp_by_backend {};
BERTH_BY_BACKEND(receiver);

TEST_P(receiver, a_stream_is_asked_for_until_its_end) {
    auto [local_end, remote_end] = connected();
    std::string sent, heard;
    error_code end;
    for (int i = 0; i < 2000; ++i) sent += "message " + std::to_string(i) + '\n';
    asio::async_write(local_end, asio::buffer(sent),
                      [&local_end = local_end](error_code, std::size_t) { local_end.shutdown(tcp_socket::shutdown_send); });
    run_coroutine([&, &remote_end = remote_end]() -> asio::awaitable<void> {
        tcp_receiver incoming(remote_end);
        for (;;) {
            const auto piece = co_await incoming.async_next(asio::redirect_error(use_awaitable, end));
            if (end) break;
            heard += text_in(piece);
        }
        lent_buffer again = co_await incoming.async_next(asio::redirect_error(use_awaitable, end));
        EXPECT_EQ(end, asio::error::eof) << "still the end";
    });
    EXPECT_TRUE(heard == sent);
    EXPECT_EQ(end, asio::error::eof);
}

TEST_P(receiver, who_asks_slowly_does_not_hoard_what_others_need) {
    context_ = std::make_unique<berth::io_context>(
        berth::io_context_options{.backend = GetParam(), .lent_buffer_size = 512, .lent_buffer_count = 8});
    auto [local_end, remote_end] = connected();
    auto [left, right] = connected();
    tcp_receiver slow(remote_end, 2), quick(right, 2);
    asio::write(local_end, asio::buffer(std::string(100'000, 'x')));
    std::size_t heard = 0;
    run_coroutine([&, &left = left, &local_end = local_end]() -> asio::awaitable<void> {
        heard += (co_await slow.async_next(use_awaitable)).size();
        for (int i = 0; i < 50; ++i) {
            co_await asio::async_write(left, asio::buffer("text", 4), use_awaitable);
            EXPECT_EQ((co_await quick.async_next(use_awaitable)).size(), 4u);
        }
        while (heard < 100'000) heard += (co_await slow.async_next(use_awaitable)).size();
        local_end.close();
        left.close();
        error_code ec;
        co_await slow.async_next(asio::redirect_error(use_awaitable, ec));
        co_await quick.async_next(asio::redirect_error(use_awaitable, ec));
    });
    EXPECT_EQ(heard, 100'000u);
}

TEST_P(receiver, a_question_that_is_cancelled_loses_nothing) {
    using namespace asio::experimental::awaitable_operators;
    auto [local_end, remote_end] = connected();
    std::string heard;
    run_coroutine([&, &local_end = local_end, &remote_end = remote_end]() -> asio::awaitable<void> {
        tcp_receiver incoming(remote_end);
        berth::steady_timer timer(context());
        for (int i = 0; i < 5; ++i) {
            timer.expires_after(5ms);
            const auto first = co_await (timer.async_wait(use_awaitable) || incoming.async_next(use_awaitable));
            EXPECT_EQ(first.index(), 0u);
        }
        co_await asio::async_write(local_end, asio::buffer("text", 4), use_awaitable);
        heard = text_in(co_await incoming.async_next(use_awaitable));
    });
    EXPECT_EQ(heard, "text");
}

TEST_P(receiver, a_second_question_at_a_time_is_refused) {
    auto [local_end, remote_end] = connected();
    tcp_receiver incoming(remote_end);
    std::vector<error_code> heard;
    incoming.async_next([&](error_code ec, lent_buffer) { heard.push_back(ec); });
    incoming.async_next([&, &local_end = local_end](error_code ec, lent_buffer) {
        heard.push_back(ec);
        asio::write(local_end, asio::buffer("text", 4));
        local_end.close();
    });
    context().run_for(1s);
    EXPECT_EQ(heard, (std::vector<error_code>{asio::error::already_started, {}}));
}

TEST_P(receiver, close_ends_the_question) {
    auto [local_end, remote_end] = connected();
    tcp_receiver incoming(remote_end);
    error_code heard;
    incoming.async_next([&](error_code ec, lent_buffer) { heard = ec; });
    asio::post(context(), [&remote_end = remote_end] { remote_end.close(); });
    run();
    EXPECT_EQ(heard, asio::error::operation_aborted);
}

TEST_P(receiver, a_receiver_that_goes_ends_its_receive_and_another_one_hears_the_rest) {
    auto [local_end, remote_end] = connected();
    std::string heard;
    run_coroutine([&, &local_end = local_end, &remote_end = remote_end]() -> asio::awaitable<void> {
        std::optional<tcp_receiver> incoming(remote_end);
        co_await asio::async_write(local_end, asio::buffer("one", 3), use_awaitable);
        heard += text_in(co_await incoming->async_next(use_awaitable));
        incoming.reset();
        co_await asio::post(context(), use_awaitable);
        co_await asio::post(context(), use_awaitable);
        co_await asio::async_write(local_end, asio::buffer("two", 3), use_awaitable);
        incoming.emplace(remote_end);
        heard += text_in(co_await incoming->async_next(use_awaitable));
    });
    EXPECT_EQ(heard, "onetwo");
}

TEST_P(receiver, a_context_that_goes_destroys_the_question) {
    const auto alive = std::make_shared<int>(0);
    asio::co_spawn(
        context(),
        [this, alive]() -> asio::awaitable<void> {
            auto [local_end, remote_end] = connected();
            tcp_receiver incoming(remote_end);
            co_await incoming.async_next(use_awaitable);
        },
        asio::detached);
    context().run_for(10ms);
    EXPECT_EQ(alive.use_count(), 2);
    context_.reset();
    EXPECT_EQ(alive.use_count(), 1);
}

TEST_P(receiver, datagrams_are_asked_for_too) {
    using asio::ip::udp;
    berth::udp_socket server(context(), udp::endpoint(asio::ip::address_v4::loopback(), 0));
    berth::udp_socket client(context(), udp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto to = server.local_endpoint();
    run_coroutine([&]() -> asio::awaitable<void> {
        berth::udp_receiver incoming(server);
        for (int i = 0; i < 20; ++i) {
            co_await client.async_send_to(asio::buffer("q" + std::to_string(i)), to, use_awaitable);
            const auto d = co_await incoming.async_next(use_awaitable);
            EXPECT_EQ(text_in(d.payload), "q" + std::to_string(i));
            EXPECT_EQ(d.source, client.local_endpoint());
        }
    });
}

}  // namespace
