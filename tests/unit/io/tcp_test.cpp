// berth's TCP sockets carry what Asio's do, under Asio's algorithms and with any completion token.
#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;

class tcp_io : public tcp_by_backend {};
BERTH_BY_BACKEND(tcp_io);

TEST_P(tcp_io, accept_connect_read_write_with_callbacks) {
    tcp_acceptor acceptor(context(), anywhere);
    std::string heard, answered;
    char question[5], answer[6];
    acceptor.async_accept([&](error_code ec, tcp_socket s) {
        ASSERT_FALSE(ec);
        auto socket = std::make_shared<tcp_socket>(std::move(s));
        asio::async_read(*socket, asio::buffer(question), [&, socket](error_code e, std::size_t n) {
            ASSERT_FALSE(e);
            heard.assign(question, n);
            asio::async_write(*socket, asio::buffer("answer", 6), [socket](error_code, std::size_t) {});
        });
    });
    tcp_socket client(context());
    client.async_connect(acceptor.local_endpoint(), [&](error_code ec) {
        ASSERT_FALSE(ec) << ec.message();
        asio::async_write(client, asio::buffer("hello", 5), [&](error_code, std::size_t) {
            asio::async_read(client, asio::buffer(answer), [&](error_code e, std::size_t n) {
                EXPECT_FALSE(e);
                answered.assign(answer, n);
            });
        });
    });
    run();
    EXPECT_EQ(heard, "hello");
    EXPECT_EQ(answered, "answer");
}

TEST_P(tcp_io, coroutines_echo_a_megabyte_and_hear_the_end) {
    std::string sent(1 << 20, 'x'), back;
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>('a' + i % 23);
    tcp_acceptor acceptor(context(), anywhere);
    asio::co_spawn(
        context(),
        [&]() -> asio::awaitable<void> {
            auto socket = co_await acceptor.async_accept(use_awaitable);
            char data[8192];
            for (;;) {
                const auto [ec, n] =
                    co_await socket.async_read_some(asio::buffer(data), asio::experimental::as_tuple(use_awaitable));
                if (ec) {
                    EXPECT_EQ(ec, asio::error::eof);
                    break;
                }
                co_await asio::async_write(socket, asio::buffer(data, n), use_awaitable);
            }
        },
        asio::detached);
    tcp_socket client(context());
    asio::co_spawn(
        context(),
        [&]() -> asio::awaitable<void> {
            co_await client.async_connect(acceptor.local_endpoint(), use_awaitable);
            co_await asio::async_write(client, asio::buffer(sent), use_awaitable);
            client.shutdown(tcp_socket::shutdown_send);
        },
        asio::detached);
    run_coroutine([&]() -> asio::awaitable<void> {
        while (!client.is_open()) co_await asio::post(context(), use_awaitable);
        berth::steady_timer pause(context(), 5ms);
        co_await pause.async_wait(use_awaitable);
        back.resize(sent.size());
        co_await asio::async_read(client, asio::buffer(back), use_awaitable);
    });
    EXPECT_TRUE(back == sent);
}

TEST_P(tcp_io, read_until_and_scattered_buffers_work) {
    auto [local_end, remote_end] = connected();
    std::string line;
    asio::async_read_until(local_end, asio::dynamic_buffer(line), '\n', [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        line.resize(n);
    });
    const std::array<asio::const_buffer, 3> parts{asio::buffer("one ", 4), asio::buffer("two ", 4),
                                                  asio::buffer("three\n", 6)};
    asio::async_write(remote_end, parts, [](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 14u);
    });
    run();
    EXPECT_EQ(line, "one two three\n");
}

TEST_P(tcp_io, futures_and_error_codes_are_completion_tokens_too) {
    auto [local_end, remote_end] = connected();
    auto written = remote_end.async_write_some(asio::buffer("12", 2), asio::use_future);
    char data[2];
    auto read = local_end.async_read_some(asio::buffer(data), asio::use_future);
    run();
    EXPECT_EQ(written.get(), 2u);
    EXPECT_EQ(read.get(), 2u);
    auto deferred = local_end.async_read_some(asio::buffer(data), asio::use_future);
    remote_end.close();
    run();
    EXPECT_EQ(outcome(deferred), asio::error::eof);
}

TEST_P(tcp_io, a_handler_is_never_called_from_inside_the_call_that_begins) {
    auto [local_end, remote_end] = connected();
    char data[1];
    bool inside = true;
    int ended = 0;
    const auto note = [&](error_code, std::size_t) {
        EXPECT_FALSE(inside);
        ++ended;
    };
    local_end.async_read_some(asio::buffer(data, 0), note);
    local_end.async_write_some(asio::buffer("x", 1), note);
    tcp_socket closed(context());
    closed.async_read_some(asio::buffer(data), note);
    asio::post(context(), [&] {
        inside = true;
        local_end.async_write_some(asio::buffer("x", 1), note);
        inside = false;
    });
    inside = false;
    run();
    EXPECT_EQ(ended, 4);
}

}  // namespace
