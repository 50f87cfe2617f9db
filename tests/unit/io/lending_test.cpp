// Receives that lend their buffers, and accepts without end: every piece once, the end once, the buffers come back.
#include "unit/io/tcp_ground.hpp"

#include <berth/lent_buffer.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace {

using namespace io_test;
using berth::lent_buffer;

std::string text_of(const lent_buffer& b) { return {static_cast<const char*>(b.data()), b.size()}; }

class lending : public tcp_by_backend {
protected:
    void few_buffers() {
        context_ = std::make_unique<berth::io_context>(berth::io_context_options{
            .backend = GetParam(), .lent_buffer_size = 512, .lent_buffer_count = 4});
    }
};
BERTH_BY_BACKEND(lending);

TEST_P(lending, every_byte_comes_once_and_then_the_end) {
    auto [local_end, remote_end] = connected();
    std::string sent, heard;
    std::vector<error_code> ends;
    remote_end.async_receive_each([&](error_code ec, lent_buffer bytes) {
        if (ec) return ends.push_back(ec);
        EXPECT_TRUE(bytes);
        heard += text_of(bytes);
    });
    asio::co_spawn(
        context(),
        [&]() -> asio::awaitable<void> {
            for (int i = 1; i < 200; ++i) {
                const std::string piece(static_cast<std::size_t>(i * 61), static_cast<char>('a' + i % 26));
                sent += piece;
                co_await asio::async_write(local_end, asio::buffer(piece), use_awaitable);
            }
            local_end.shutdown(tcp_socket::shutdown_send);
        },
        asio::detached);
    run();
    EXPECT_TRUE(heard == sent);
    EXPECT_EQ(ends, std::vector<error_code>{asio::error::eof});
}

TEST_P(lending, whoever_keeps_all_buffers_makes_others_wait_and_loses_nothing) {
    few_buffers();
    auto [local_end, remote_end] = connected();
    auto [left, right] = connected();
    std::vector<lent_buffer> kept;
    std::string heard;
    const auto hear = [&](error_code ec, lent_buffer bytes) {
        if (ec) return;
        heard += text_of(bytes);
        kept.push_back(std::move(bytes));
    };
    remote_end.async_receive_each(hear);
    right.async_receive_each(hear);
    const std::string text(4 * 512, 'x');
    asio::write(local_end, asio::buffer(text));
    asio::write(left, asio::buffer(text));
    for (int i = 0; i < 250 && kept.size() < 4; ++i) context().run_for(20ms);
    context().run_for(20ms);
    EXPECT_EQ(kept.size(), 4u);
    for (int i = 0; i < 250 && heard.size() < 2 * text.size(); ++i) {
        kept.clear();
        context().restart();
        context().run_for(20ms);
    }
    EXPECT_EQ(heard.size(), 2 * text.size());
    kept.clear();
}

TEST_P(lending, a_buffer_may_be_given_back_on_another_thread) {
    few_buffers();
    auto [local_end, remote_end] = connected();
    std::size_t heard = 0;
    std::vector<std::thread> threads;
    remote_end.async_receive_each([&](error_code ec, lent_buffer bytes) {
        if (ec) return;
        heard += bytes.size();
        threads.emplace_back([b = std::move(bytes)]() mutable { b.give_back(); });
    });
    std::thread writing([&, &local_end = local_end] {
        for (int i = 0; i < 100; ++i) asio::write(local_end, asio::buffer("0123456789", 10));
        local_end.shutdown(tcp_socket::shutdown_send);
    });
    run();
    writing.join();
    for (auto& t : threads) t.join();
    EXPECT_EQ(heard, 1000u);
}

TEST_P(lending, close_inside_the_handler_is_the_last_that_it_hears_but_for_the_abort) {
    auto [local_end, remote_end] = connected();
    std::vector<error_code> ends;
    int calls = 0;
    asio::write(local_end, asio::buffer(std::string(100'000, 'x')));
    remote_end.async_receive_each([&, &remote_end = remote_end](error_code ec, lent_buffer) {
        if (ec) return ends.push_back(ec);
        ++calls;
        remote_end.close();
    });
    run();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(ends, std::vector<error_code>{asio::error::operation_aborted});
}

TEST_P(lending, its_slot_cancels_it_and_the_bytes_that_follow_are_for_the_next) {
    auto [local_end, remote_end] = connected();
    asio::cancellation_signal stop;
    error_code end;
    std::string heard;
    remote_end.async_receive_each(asio::bind_cancellation_slot(stop.slot(), [&](error_code ec, lent_buffer bytes) {
        end = ec;
        heard += text_of(bytes);
        if (!ec) stop.emit(asio::cancellation_type::total);
    }));
    asio::write(local_end, asio::buffer("one", 3));
    run();
    EXPECT_EQ(end, asio::error::operation_aborted);
    asio::write(local_end, asio::buffer("two", 3));
    remote_end.async_receive_each([&, &remote_end = remote_end](error_code, lent_buffer bytes) {
        heard += text_of(bytes);
        if (remote_end.is_open()) remote_end.close();
    });
    run();
    EXPECT_EQ(heard, "onetwo");
}

TEST_P(lending, what_a_handler_throws_comes_out_of_run_and_the_receive_goes_on) {
    auto [local_end, remote_end] = connected();
    std::string heard;
    remote_end.async_receive_each([&, &remote_end = remote_end](error_code ec, lent_buffer bytes) {
        if (ec) return;
        heard += text_of(bytes);
        if (heard == "one") throw std::runtime_error("on purpose");
        remote_end.close();
    });
    asio::write(local_end, asio::buffer("one", 3));
    EXPECT_THROW(context().run_for(5s), std::runtime_error);
    asio::write(local_end, asio::buffer("two", 3));
    run();
    EXPECT_EQ(heard, "onetwo");
}

TEST_P(lending, on_a_socket_that_is_not_open_the_end_is_all) {
    tcp_socket none(context());
    error_code end;
    none.async_receive_each([&](error_code ec, lent_buffer) { end = ec; });
    EXPECT_FALSE(end) << "not before run()";
    run();
    EXPECT_EQ(end, asio::error::bad_descriptor);
}

TEST_P(lending, a_context_that_goes_destroys_the_handler_without_calling_it) {
    const auto alive = std::make_shared<int>(0);
    auto [local_end, remote_end] = connected();
    remote_end.async_receive_each([alive](error_code, lent_buffer) { ++*alive; });
    asio::write(local_end, asio::buffer("text", 4));
    auto dying = std::move(context_);
    { const tcp_socket first = std::move(local_end), second = std::move(remote_end); }
    dying.reset();
    EXPECT_EQ(alive.use_count(), 1);
    EXPECT_EQ(*alive, 0);
}

TEST_P(lending, connections_are_accepted_until_the_acceptor_is_closed) {
    tcp_acceptor acceptor(context(), anywhere);
    std::vector<tcp_socket> accepted, clients;
    std::vector<error_code> ends;
    acceptor.async_accept_each([&](error_code ec, tcp_socket socket) {
        if (ec) return ends.push_back(ec);
        EXPECT_TRUE(socket.is_open());
        accepted.push_back(std::move(socket));
        if (accepted.size() == 20) acceptor.close();
    });
    for (int i = 0; i < 20; ++i) {
        clients.emplace_back(context());
        clients.back().connect(acceptor.local_endpoint());
    }
    run();
    ASSERT_EQ(accepted.size(), 20u);
    EXPECT_EQ(ends, std::vector<error_code>{asio::error::operation_aborted});
    for (auto& a : accepted)
        EXPECT_TRUE(std::any_of(clients.begin(), clients.end(), [&](const tcp_socket& c) {
            return c.local_endpoint() == a.remote_endpoint();
        }));
}

}  // namespace
