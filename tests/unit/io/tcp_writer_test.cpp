// The writer of a TCP connection: in order, gathered, exactly once, whatever the connection takes at a time.
#include "unit/io/tcp_ground.hpp"

#include <berth/tcp_writer.hpp>

#include <memory>

namespace {

using namespace io_test;
using berth::lent_buffer;
using berth::tcp_writer;

class writer : public tcp_by_backend {
protected:
    /// All that comes, into `heard`.
    static asio::awaitable<void> hear(tcp_socket& from, std::string& heard) {
        error_code ec;
        char data[7000];
        while (!ec) {
            const auto size =
                co_await from.async_read_some(asio::buffer(data), asio::redirect_error(use_awaitable, ec));
            heard.append(data, size);
        }
    }
};
BERTH_BY_BACKEND(writer);

TEST_P(writer, bytes_leave_in_the_order_of_their_writes) {
    auto [local_end, remote_end] = connected();
    tcp_writer w(local_end);
    std::string sent, heard;
    for (int i = 0; i < 1000; ++i) {
        const std::string piece(static_cast<std::size_t>(i % 97), static_cast<char>('a' + i % 26));
        sent += piece;
        w.write(asio::buffer(piece));
    }
    EXPECT_EQ(w.pending(), sent.size());
    asio::co_spawn(context(), hear(remote_end, heard), asio::detached);
    w.async_flush(0, [&, &local_end = local_end](error_code ec) {
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_EQ(w.pending(), 0u);
        local_end.close();
    });
    run();
    EXPECT_TRUE(heard == sent);
}

TEST_P(writer, a_slow_reader_gets_all_of_it_and_flush_tells_the_low_water_mark) {
    auto [local_end, remote_end] = connected();
    local_end.set_option(asio::socket_base::send_buffer_size(4096));
    tcp_writer w(local_end);
    const std::string large(3'000'000, 'x');
    w.write(asio::buffer(large));
    w.write(asio::buffer("end", 3));
    std::size_t at_mark = 0, heard_size = 0;
    w.async_flush(1'000'000, [&](error_code ec) {
        EXPECT_FALSE(ec);
        at_mark = w.pending();
        EXPECT_LE(at_mark, 1'000'000u);
    });
    std::string heard;
    asio::co_spawn(
        context(),
        [&, &local_end = local_end]() -> asio::awaitable<void> {
            co_await w.async_flush(0, use_awaitable);
            local_end.close();
        },
        asio::detached);
    asio::co_spawn(context(), hear(remote_end, heard), asio::detached);
    run();
    heard_size = heard.size();
    EXPECT_EQ(heard_size, large.size() + 3);
    EXPECT_TRUE(heard.ends_with("xend"));
}

TEST_P(writer, lent_bytes_are_sent_from_where_they_lie) {
    auto [local_end, remote_end] = connected();
    tcp_writer w(remote_end);
    remote_end.async_receive_each([&](error_code ec, lent_buffer bytes) {
        if (!ec) w.write(std::move(bytes));
    });
    std::string sent, heard;
    for (int i = 0; i < 300; ++i) sent += "message " + std::to_string(i) + '\n';
    asio::co_spawn(
        context(),
        [&, &local_end = local_end, &remote_end = remote_end]() -> asio::awaitable<void> {
            co_await asio::async_write(local_end, asio::buffer(sent), use_awaitable);
            heard.resize(sent.size());
            co_await asio::async_read(local_end, asio::buffer(heard), use_awaitable);
            remote_end.close();
        },
        asio::detached);
    run();
    EXPECT_TRUE(heard == sent);
}

TEST_P(writer, a_remote_that_is_gone_ends_it_with_an_error_and_flush_says_so) {
    auto [local_end, remote_end] = connected();
    remote_end.set_option(asio::socket_base::linger(true, 0));
    remote_end.close();
    tcp_writer w(local_end);
    std::vector<error_code> heard;
    for (int i = 0; i < 3; ++i) w.write(asio::buffer(std::string(10'000, 'x')));
    w.async_flush(0, [&](error_code ec) { heard.push_back(ec); });
    run();
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_TRUE(heard[0] == asio::error::connection_reset || heard[0] == asio::error::broken_pipe)
        << heard[0].message();
    EXPECT_EQ(w.error(), heard[0]);
    w.write(asio::buffer("more", 4));
    EXPECT_EQ(w.pending(), 0u);
    w.async_flush(0, [&](error_code ec) { heard.push_back(ec); });
    run();
    EXPECT_EQ(heard[1], heard[0]);
}

TEST_P(writer, close_ends_what_was_written_and_who_waits) {
    auto [local_end, remote_end] = connected();
    tcp_writer w(local_end);
    w.write(asio::buffer(std::string(20'000'000, 'x')));
    error_code flushed;
    w.async_flush(0, [&](error_code ec) { flushed = ec; });
    context().run_for(20ms);
    EXPECT_FALSE(flushed);
    local_end.close();
    w.write(asio::buffer("more", 4));
    context().restart();
    run();
    EXPECT_EQ(flushed, asio::error::operation_aborted);
}

TEST_P(writer, a_flush_that_is_cancelled_ends_alone) {
    auto [local_end, remote_end] = connected();
    tcp_writer w(local_end);
    w.write(asio::buffer(std::string(20'000'000, 'x')));
    asio::cancellation_signal stop;
    error_code first, second;
    w.async_flush(0, asio::bind_cancellation_slot(stop.slot(), [&](error_code ec) { first = ec; }));
    w.async_flush(19'999'999, [&](error_code ec) { second = ec; });
    context().run_for(20ms);
    stop.emit(asio::cancellation_type::terminal);
    context().restart();
    context().run_for(20ms);
    EXPECT_EQ(first, asio::error::operation_aborted);
    EXPECT_FALSE(second);
    EXPECT_GT(w.pending(), 0u);
    EXPECT_FALSE(w.error());
}

TEST_P(writer, what_was_written_is_sent_although_the_writer_is_gone) {
    auto [local_end, remote_end] = connected();
    std::string heard;
    auto w = std::make_unique<tcp_writer>(local_end);
    w->write(asio::buffer(std::string(1'000'000, 'x')));
    w.reset();
    asio::co_spawn(
        context(),
        [&, &local_end = local_end, &remote_end = remote_end]() -> asio::awaitable<void> {
            heard.resize(1'000'000);
            co_await asio::async_read(remote_end, asio::buffer(heard), use_awaitable);
            local_end.close();
        },
        asio::detached);
    run();
    EXPECT_EQ(heard, std::string(1'000'000, 'x'));
}

}  // namespace
