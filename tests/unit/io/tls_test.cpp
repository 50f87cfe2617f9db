// asio::ssl::stream on berth's sockets: handshake, traffic both ways, an orderly end and one that is cut off.
#include <asio/ssl.hpp>

#include <filesystem>

#include "support/self_signed.hpp"
#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;
using asio::experimental::as_tuple;
using tls_stream = asio::ssl::stream<tcp_socket>;

std::size_t threads_of_this_process() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}

class tls : public tcp_by_backend {
protected:
    tls() { berth::test::use_self_signed_certificate(served_.native_handle()); }

    /// Two ends that have shaken hands.
    void SetUp() override {
        tcp_by_backend::SetUp();
        if (IsSkipped()) return;
        auto [client, server] = connected();
        client_ = std::make_unique<tls_stream>(std::move(client), wanted_);
        server_ = std::make_unique<tls_stream>(std::move(server), served_);
    }
    void shake_hands() {
        server_->async_handshake(tls_stream::server, [](error_code ec) { EXPECT_FALSE(ec) << ec.message(); });
        client_->async_handshake(tls_stream::client, [](error_code ec) { EXPECT_FALSE(ec) << ec.message(); });
        run();
    }
    void TearDown() override {
        client_.reset();
        server_.reset();
    }

    asio::ssl::context served_{asio::ssl::context::tls_server}, wanted_{asio::ssl::context::tls_client};
    std::unique_ptr<tls_stream> client_, server_;
};
BERTH_BY_BACKEND(tls);

std::string megabyte(char first) {
    std::string text(1 << 20, 0);
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(first + static_cast<char>(i % 23));
    return text;
}

TEST_P(tls, a_megabyte_goes_both_ways_at_once_and_both_ends_take_leave) {
    const std::size_t threads = threads_of_this_process();
    shake_hands();
    const std::string up = megabyte('a'), down = megabyte('A');
    int ends = 0;
    const auto talk = [&](tls_stream& stream, const std::string& says, const std::string& expects,
                          bool leaves_first) -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        std::string heard(expects.size(), 0);
        co_await (asio::async_write(stream, asio::buffer(says), use_awaitable) &&
                  asio::async_read(stream, asio::buffer(heard), use_awaitable));
        EXPECT_TRUE(heard == expects);
        char more[1];
        if (!leaves_first) {
            const auto [ec, n] = co_await stream.async_read_some(asio::buffer(more), as_tuple(use_awaitable));
            EXPECT_EQ(ec, asio::error::eof) << "close_notify is an end, not an error";
        }
        const auto [ec] = co_await stream.async_shutdown(as_tuple(use_awaitable));
        EXPECT_FALSE(ec) << ec.message();
        ++ends;
    };
    asio::co_spawn(context(), talk(*server_, down, up, false), asio::detached);
    run_coroutine([&] { return talk(*client_, up, down, true); });
    EXPECT_EQ(ends, 2);
    EXPECT_EQ(threads_of_this_process(), threads);
}

TEST_P(tls, an_end_without_leave_is_a_truncation) {
    shake_hands();
    server_->lowest_layer().close();
    char data[1];
    error_code heard;
    client_->async_read_some(asio::buffer(data), [&](error_code ec, std::size_t) { heard = ec; });
    run();
    EXPECT_EQ(heard, asio::ssl::error::stream_truncated);
}

TEST_P(tls, a_handshake_with_somebody_silent_is_timed_out) {
    using namespace asio::experimental::awaitable_operators;
    bool ended = false;
    run_coroutine([&]() -> asio::awaitable<void> {
        berth::steady_timer limit(context(), 10ms);
        const auto first =
            co_await (client_->async_handshake(tls_stream::client, use_awaitable) || limit.async_wait(use_awaitable));
        EXPECT_EQ(first.index(), 1u);
        ended = true;
    });
    EXPECT_TRUE(ended);
}

TEST_P(tls, a_stranger_without_tls_is_refused) {
    error_code heard;
    server_->async_handshake(tls_stream::server, [&](error_code ec) { heard = ec; });
    client_->lowest_layer().write_some(asio::buffer("GET / HTTP/1.1\r\n\r\n", 18));
    run();
    EXPECT_TRUE(heard);
    EXPECT_EQ(std::string(heard.category().name()), "asio.ssl");
}

}  // namespace
