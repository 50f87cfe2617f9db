// In the steady state no operation takes memory: each of them with each kind of handler, counted on both backends.
//
// The rows of the last test are not free of it, each for the reason that it gives.
#include <berth/signal_set.hpp>
#include <berth/udp_socket.hpp>

#include <csignal>
#include <iostream>

#include "unit/io/allocation_rows.hpp"

namespace {

using namespace io_test;
using asio::ip::udp;

class allocation : public allocation_rows {};
BERTH_BY_BACKEND(allocation);

TEST_P(allocation, streams_take_none) {
    auto [l, r] = connected();
    auto &left = l, &right = r;
    const auto bytes = [this](std::size_t n) { return asio::buffer(data_, n); };
    with_each_handler("read_some", [&](auto&& token) {
        right.send(bytes(8));
        return left.async_read_some(bytes(8), std::forward<decltype(token)>(token));
    });
    with_each_handler("write_some", [&](auto&& token) {
        drain(right);
        return left.async_write_some(bytes(8), std::forward<decltype(token)>(token));
    });
    with_each_handler("read of two buffers", [&](auto&& token) {
        right.send(bytes(8));
        const std::array<asio::mutable_buffer, 2> two{asio::buffer(data_, 3), asio::buffer(data_ + 8, 5)};
        return asio::async_read(left, two, std::forward<decltype(token)>(token));
    });
    with_each_handler("composed write", [&](auto&& token) {
        drain(right);
        return asio::async_write(left, bytes(40), std::forward<decltype(token)>(token));
    });
    with_each_handler("wait for bytes", [&](auto&& token) {
        drain(left), right.send(bytes(1));
        return left.async_wait(tcp_socket::wait_read, std::forward<decltype(token)>(token));
    });
    with_each_handler("read of nothing", [&](auto&& token) {
        return left.async_read_some(bytes(0), std::forward<decltype(token)>(token));
    });
    EXPECT_GE(rows_, 60);
}

TEST_P(allocation, datagrams_and_timers_take_none) {
    const udp::endpoint here(asio::ip::address_v4::loopback(), 0);
    berth::udp_socket one(context(), here), two(context(), here);
    const auto to_one = one.local_endpoint(), to_two = two.local_endpoint();
    udp::endpoint source;
    berth::steady_timer timer(context());
    with_each_handler("receive_from", [&](auto&& token) {
        two.send_to(asio::buffer(data_, 8), to_one);
        return one.async_receive_from(asio::buffer(data_), source, std::forward<decltype(token)>(token));
    });
    with_each_handler("send_to", [&](auto&& token) {
        drain(two);
        return one.async_send_to(asio::buffer(data_, 8), to_two, std::forward<decltype(token)>(token));
    });
    with_each_handler("timer", [&](auto&& token) {
        timer.expires_after(10us);
        return timer.async_wait(std::forward<decltype(token)>(token));
    });
    EXPECT_GE(rows_, 30);
}

TEST_P(allocation, cancelling_takes_none) {
    auto [l, r] = connected();
    auto& left = l;
    berth::steady_timer timer(context());
    char byte[1];
    with_each_handler(
        "timer that is cancelled",
        [&](auto&& token) {
            timer.expires_after(1h);
            asio::post(context(), [&] { timer.cancel(); });
            return timer.async_wait(asio::experimental::as_tuple(std::forward<decltype(token)>(token)));
        },
        true);
    with_each_handler(
        "read that is cancelled with its socket",
        [&](auto&& token) {
            asio::post(context(), [&] { left.cancel(); });
            return left.async_read_some(asio::buffer(byte),
                                        asio::experimental::as_tuple(std::forward<decltype(token)>(token)));
        },
        true);
    asio::cancellation_signal signal;
    row("read that is cancelled", "by its slot", [&](done d) {
        left.async_read_some(asio::buffer(byte), asio::bind_cancellation_slot(signal.slot(), d));
        asio::post(context(), [&] { signal.emit(asio::cancellation_type::terminal); });
    });
    row("timer that is cancelled", "by its slot", [&](done d) {
        timer.expires_after(1h);
        timer.async_wait(asio::bind_cancellation_slot(signal.slot(), d));
        asio::post(context(), [&] { signal.emit(asio::cancellation_type::total); });
    });
    EXPECT_GE(rows_, 18);
}

TEST_P(allocation, functions_take_none) {
    const auto strand = asio::make_strand(context());
    const asio::any_io_executor any = context().get_executor(), any_strand = strand;
    const auto on = [&](const char* what, const auto& executor) {
        row(what, "post", [&](done d) { asio::post(executor, d); });
        row(what, "defer", [&](done d) { asio::defer(executor, d); });
        row(what, "dispatch",
            [&](done d) { asio::post(context(), [&executor, d] { asio::dispatch(executor, d); }); });
        row(what, "post of a handler bound elsewhere",
            [&](done d) { asio::post(executor, asio::bind_executor(context(), d)); });
    };
    on("the context", context().get_executor());
    on("a strand", strand);
    on("any_io_executor", any);
    on("any_io_executor of a strand", any_strand);
    in_a_coroutine("post", [&](auto&& token) { return asio::post(context(), token); });
    EXPECT_GE(rows_, 17);
}

TEST_P(allocation, objects_on_any_io_executor_take_none) {
    auto [l, r] = connected();
    auto& right = r;
    const udp::endpoint here(asio::ip::address_v4::loopback(), 0);
    const asio::any_io_executor any = context().get_executor();
    any_tcp left(any, tcp::v4(), l.release());
    any_udp one(any, here), two(any, here);
    const auto to_one = one.local_endpoint();
    udp::endpoint source;
    any_timer timer(any);
    with_each_handler("read_some", [&](auto&& token) {
        right.send(asio::buffer(data_, 8));
        return left.async_read_some(asio::buffer(data_, 8), std::forward<decltype(token)>(token));
    });
    with_each_handler("composed write", [&](auto&& token) {
        drain(right);
        return asio::async_write(left, asio::buffer(data_, 40), std::forward<decltype(token)>(token));
    });
    with_each_handler("receive_from", [&](auto&& token) {
        two.send_to(asio::buffer(data_, 8), to_one);
        return one.async_receive_from(asio::buffer(data_), source, std::forward<decltype(token)>(token));
    });
    with_each_handler("timer", [&](auto&& token) {
        timer.expires_after(10us);
        return timer.async_wait(std::forward<decltype(token)>(token));
    });
    EXPECT_GE(rows_, 32);
}

TEST_P(allocation, connections_and_signals_take_none) {
    tcp_acceptor door(context(), anywhere);
    const auto to = door.local_endpoint();
    tcp_socket client(context()), served(context());
    // A completion port keeps a record of its own for a socket that waits to connect.
    constexpr long of_a_connect = std::is_same_v<asio::detail::scheduler, asio::detail::io_context_impl> ? 0 : 1;
    int halves = 0;
    const auto half = [&](done d) {
        if (++halves % 2 == 0) d();
    };
    row("connect and accept", "callbacks", [&](done d) {
        client.close(), served.close();
        door.async_accept(served, [=](error_code) { half(d); });
        client.async_connect(to, [=](error_code) { half(d); });
    }, of_a_connect);
    row("connect and accept", "a new socket", [&](done d) {
        client.close(), served.close();
        door.async_accept([&, d](error_code, tcp_socket accepted) {
            served = std::move(accepted);
            half(d);
        });
        client.async_connect(to, [=](error_code) { half(d); });
    }, of_a_connect);
    EXPECT_TRUE(client.is_open() && served.is_open());
    berth::signal_set signals(context(), SIGTERM);
    row("signal", "callback", [&](done d) {
        signals.async_wait(d);
        ::raise(SIGTERM);
    });
    EXPECT_EQ(rows_, 3);
}

/// What these take is Asio's or the caller's; here it is held to what it was when it was looked at.
TEST_P(allocation, what_takes_some_takes_no_more_than_it_must) {
    using namespace asio::experimental::awaitable_operators;
    auto [l, r] = connected();
    auto &left = l, &right = r;
    const auto bytes = asio::buffer(data_, 8);
    const auto taken = [&](const char* what, long most, auto begin) {
        driver_of all(begin);
        asio::post(context(), [&] { all.begin(); });
        run();
        EXPECT_TRUE(all.is_complete()) << what;
        EXPECT_LE(all.taken(), most * rounds) << what << ": calls for memory in " << rounds << " rounds";
        std::cout << what << ": " << static_cast<double>(all.taken()) / rounds << std::endl;
    };
    // Asio keeps two coroutine frames a thread (ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE); this has three, and more.
    taken("a coroutine that is spawned, and reads", 8, [&](done d) {
        right.send(bytes);
        asio::co_spawn(
            context(), [&]() -> asio::awaitable<void> { co_await left.async_read_some(bytes, use_awaitable); },
            [d](const std::exception_ptr&) { d(); });
    });
    // A coroutine, a cancellation signal and a place in a group for each of the two.
    berth::steady_timer timer(context());
    taken("a coroutine that is spawned, and races a read against a timer", 40, [&](done d) {
        right.send(bytes);
        asio::co_spawn(
            context(),
            [&]() -> asio::awaitable<void> {
                timer.expires_after(1h);
                co_await (left.async_read_some(bytes, use_awaitable) || timer.async_wait(use_awaitable));
            },
            [d](const std::exception_ptr&) { d(); });
    });
    // Shared state between two threads.
    taken("use_future", 8, [&](done d) {
        right.send(bytes);
        auto future = left.async_read_some(bytes, asio::use_future);
        asio::defer(context(), [d] { d(); });
    });
    // Recycled memory belongs to the thread inside run(); elsewhere it is the heap's.
    const long before = memory_taken_by_this_thread();
    for (int i = 0; i < rounds; ++i) asio::post(context(), [] {});
    EXPECT_LE(memory_taken_by_this_thread() - before, rounds) << "post from outside run()";
    run();
}

}  // namespace
