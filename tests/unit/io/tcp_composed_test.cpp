// What is built on Asio's model of asynchronous operations works on berth's: tokens, groups, strands, allocators.
#include <berth/resolver.hpp>

#include <asio/experimental/channel.hpp>
#include <asio/experimental/deferred.hpp>
#include <asio/experimental/parallel_group.hpp>

#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;
using asio::experimental::as_tuple;
using asio::experimental::deferred;

class tcp_composed : public tcp_by_backend {};
BERTH_BY_BACKEND(tcp_composed);

TEST_P(tcp_composed, a_deferred_operation_begins_when_it_is_called) {
    auto [local_end, remote_end] = connected();
    char data[4];
    auto read = local_end.async_read_some(asio::buffer(data), deferred);
    auto write = remote_end.async_write_some(asio::buffer("late", 4), deferred);
    EXPECT_EQ(context().poll(), 0u);
    context().restart();
    int ended = 0;
    std::move(write)([&](error_code ec, std::size_t n) { ended += !ec && n == 4; });
    std::move(read)([&](error_code ec, std::size_t n) { ended += !ec && n == 4; });
    run();
    EXPECT_EQ(ended, 2);
}

TEST_P(tcp_composed, a_parallel_group_waits_for_one_or_for_all) {
    auto [local_end, remote_end] = connected();
    char data[4], more[4];
    berth::steady_timer limit(context(), 10ms);
    std::array<std::size_t, 2> order{};
    error_code read_ec, timer_ec;
    asio::experimental::make_parallel_group(local_end.async_read_some(asio::buffer(data), deferred),
                                            limit.async_wait(deferred))
        .async_wait(asio::experimental::wait_for_one(),
                    [&](std::array<std::size_t, 2> o, error_code r, std::size_t, error_code t) {
                        order = o;
                        read_ec = r;
                        timer_ec = t;
                    });
    run();
    EXPECT_EQ(order[0], 1u) << "the timer was first";
    EXPECT_EQ(read_ec, asio::error::operation_aborted);
    EXPECT_FALSE(timer_ec);
    bool all = false;
    asio::experimental::make_parallel_group(asio::async_read(local_end, asio::buffer(more), deferred),
                                            asio::async_write(remote_end, asio::buffer("more", 4), deferred))
        .async_wait(asio::experimental::wait_for_all(),
                    [&](auto, error_code r, std::size_t got, error_code w, std::size_t put) {
                        all = !r && !w && got == 4 && put == 4;
                    });
    run();
    EXPECT_TRUE(all);
}

TEST_P(tcp_composed, awaitable_operators_race_and_join_and_the_socket_lives_on) {
    using namespace asio::experimental::awaitable_operators;
    auto ends = connected();
    bool ended = false;
    run_coroutine([&]() -> asio::awaitable<void> {
        auto& [local_end, remote_end] = ends;
        char data[6], back[6];
        berth::steady_timer limit(context(), 5ms);
        const auto first =
            co_await (asio::async_read(local_end, asio::buffer(data), use_awaitable) || limit.async_wait(use_awaitable));
        EXPECT_EQ(first.index(), 1u);
        co_await (asio::async_write(remote_end, asio::buffer("second", 6), use_awaitable) &&
                  asio::async_read(local_end, asio::buffer(data), use_awaitable));
        limit.expires_after(1h);
        const auto second = co_await ((asio::async_write(local_end, asio::buffer(data), use_awaitable) &&
                                       asio::async_read(remote_end, asio::buffer(back), use_awaitable)) ||
                                      limit.async_wait(use_awaitable));
        EXPECT_EQ(second.index(), 0u);
        EXPECT_EQ(std::string(back, 6), "second");
        ended = true;
    });
    EXPECT_TRUE(ended);
}

TEST_P(tcp_composed, a_coroutine_is_cancelled_from_outside) {
    auto [local_end, remote_end] = connected();
    asio::cancellation_signal stop;
    error_code heard;
    char data[100];
    asio::co_spawn(
        context(),
        [&, &local_end = local_end]() -> asio::awaitable<void> {
            const auto [ec, n] = co_await asio::async_read(local_end, asio::buffer(data), as_tuple(use_awaitable));
            heard = ec;
            EXPECT_EQ(n, 3u) << "what had come before";
        },
        asio::bind_cancellation_slot(stop.slot(), asio::detached));
    remote_end.write_some(asio::buffer("abc", 3));
    berth::steady_timer later(context(), 5ms);
    later.async_wait([&](error_code) { stop.emit(asio::cancellation_type::terminal); });
    run();
    EXPECT_EQ(heard, asio::error::operation_aborted);
}

TEST_P(tcp_composed, read_until_serves_lines_out_of_a_stream_buffer) {
    auto [local_end, remote_end] = connected();
    asio::streambuf in, out;
    std::ostream(&out) << "one\r\ntwo\r\n\r\nrest";
    std::vector<std::string> lines;
    asio::async_write(remote_end, out, [&, &remote_end = remote_end](error_code ec, std::size_t) {
        EXPECT_FALSE(ec);
        remote_end.shutdown(tcp_socket::shutdown_send);
    });
    asio::co_spawn(
        context(),
        [&, &local_end = local_end]() -> asio::awaitable<void> {
            for (;;) {
                const auto [ec, n] = co_await asio::async_read_until(local_end, in, "\r\n", as_tuple(use_awaitable));
                if (ec) {
                    EXPECT_EQ(ec, asio::error::eof);
                    co_return;
                }
                lines.emplace_back(asio::buffers_begin(in.data()),
                                   asio::buffers_begin(in.data()) + static_cast<std::ptrdiff_t>(n) - 2);
                in.consume(n);
            }
        },
        asio::detached);
    run();
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", ""}));
    EXPECT_EQ(in.size(), 4u);
}

TEST_P(tcp_composed, sockets_of_any_executor_serve_like_others) {
    using socket_type = berth::basic_tcp_socket<asio::any_io_executor>;
    berth::basic_tcp_acceptor<asio::any_io_executor> acceptor(context().get_executor(), anywhere);
    std::string heard;
    asio::co_spawn(
        context(),
        [&]() -> asio::awaitable<void> {
            socket_type socket = co_await acceptor.async_accept(use_awaitable);
            co_await asio::async_read_until(socket, asio::dynamic_buffer(heard), '\n', use_awaitable);
            co_await asio::async_write(socket, asio::buffer(heard), use_awaitable);
        },
        asio::detached);
    std::string back(6, 0);
    run_coroutine([&]() -> asio::awaitable<void> {
        socket_type socket(co_await asio::this_coro::executor);
        co_await socket.async_connect(acceptor.local_endpoint(), use_awaitable);
        co_await asio::async_write(socket, asio::buffer("hello\n", 6), use_awaitable);
        co_await asio::async_read(socket, asio::buffer(back), use_awaitable);
    });
    EXPECT_EQ(back, "hello\n");
}

TEST_P(tcp_composed, a_socket_on_a_strand_calls_its_handlers_there) {
    using strand = asio::strand<berth::io_context::executor_type>;
    auto serial = asio::make_strand(context());
    tcp_acceptor acceptor(context(), anywhere);
    berth::basic_tcp_socket<strand> local_end(serial), remote_end(serial);
    local_end.connect(acceptor.local_endpoint());
    acceptor.accept(remote_end);
    int inside = 0;
    char data[2];
    local_end.async_read_some(asio::buffer(data),
                         [&](error_code, std::size_t) { inside += serial.running_in_this_thread(); });
    remote_end.async_write_some(asio::buffer("12", 2),
                         [&](error_code, std::size_t) { inside += serial.running_in_this_thread(); });
    berth::basic_steady_timer<strand> timer(serial, 1ms);
    timer.async_wait([&](error_code) { inside += serial.running_in_this_thread(); });
    tcp_socket plain(context());
    plain.async_connect(acceptor.local_endpoint(),
                        asio::bind_executor(serial, [&](error_code) { inside += serial.running_in_this_thread(); }));
    run();
    EXPECT_EQ(inside, 4);
}

TEST_P(tcp_composed, awaitables_can_be_the_default) {
    using socket_type = asio::use_awaitable_t<>::as_default_on_t<tcp_socket>;
    using timer_type = asio::use_awaitable_t<>::as_default_on_t<berth::steady_timer>;
    using resolver_type = asio::use_awaitable_t<>::as_default_on_t<berth::tcp_resolver>;
    tcp_acceptor acceptor(context(), anywhere);
    bool ended = false;
    run_coroutine([&]() -> asio::awaitable<void> {
        socket_type local_end(context());
        tcp_socket remote_end(context());
        timer_type pause(context(), 1ms);
        resolver_type names(context());
        const auto found = co_await names.async_resolve("127.0.0.1", "1");
        EXPECT_EQ(found.size(), 1u);
        co_await local_end.async_connect(acceptor.local_endpoint());
        acceptor.accept(remote_end);
        co_await pause.async_wait();
        co_await local_end.async_write_some(asio::buffer("x", 1));
        char data[1];
        EXPECT_EQ(remote_end.read_some(asio::buffer(data)), 1u);
        remote_end.close();
        co_await local_end.async_wait(tcp_socket::wait_read);
        ended = true;
    });
    EXPECT_TRUE(ended);
}

TEST_P(tcp_composed, run_one_runs_a_handler_and_counts_nothing_else) {
    auto [local_end, remote_end] = connected();
    char data[1];
    bool read = false;
    local_end.async_read_some(asio::buffer(data), [&](error_code, std::size_t) { read = true; });
    EXPECT_EQ(context().poll(), 0u) << "it began, and that is no handler";
    context().restart();
    remote_end.async_write_some(asio::buffer("x", 1), [](error_code, std::size_t) {});
    EXPECT_EQ(context().run_one(), 1u);
    EXPECT_EQ(context().run_one(), 1u);
    EXPECT_TRUE(read);
    EXPECT_EQ(context().run_one(), 0u);
}

TEST_P(tcp_composed, channels_and_composed_operations_run_on_it) {
    auto [local_end, remote_end] = connected();
    asio::experimental::channel<void(error_code, std::size_t)> bytes(context().get_executor(), 1);
    char data[8];
    // Reads, and passes on how much.
    auto read_and_say = [&, &local_end = local_end](auto&& token) {
        return asio::async_compose<decltype(token), void(error_code)>(
            [&, state = 0](auto& self, error_code ec = {}, std::size_t n = 0) mutable {
                switch (state++) {
                    case 0:
                        return local_end.async_read_some(asio::buffer(data), std::move(self));
                    case 1:
                        if (!ec) return bytes.async_send(error_code(), n, std::move(self));
                        [[fallthrough]];
                    default:
                        self.complete(ec);
                }
            },
            token, local_end);
    };
    auto sent = read_and_say(asio::use_future);
    std::size_t heard = 0;
    bytes.async_receive([&](error_code, std::size_t n) { heard = n; });
    remote_end.write_some(asio::buffer("1234567", 7));
    run();
    sent.get();
    EXPECT_EQ(heard, 7u);
}

}  // namespace
