// berth's TCP sockets and acceptors do what Asio's do, and Asio's algorithms, coroutines and TLS streams run on them.
#include <berth/port_reservation.hpp>
#include <berth/steady_timer.hpp>
#include <berth/tcp_acceptor.hpp>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/awaitable_operators.hpp>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "unit/io/by_backend.hpp"

namespace {

using namespace io_test;
using asio::use_awaitable;
using asio::ip::tcp;
using berth::tcp_acceptor;
using berth::tcp_socket;

const tcp::endpoint anywhere(asio::ip::address_v4::loopback(), 0);

error_code outcome(std::future<std::size_t>& future) {
    try {
        future.get();
        return {};
    } catch (const std::system_error& e) {
        return e.code();
    }
}

class tcp_io : public by_backend {
protected:
    /// Two ends of one connection.
    std::pair<tcp_socket, tcp_socket> connected() {
        tcp_acceptor acceptor(context(), anywhere);
        tcp_socket near(context()), far(context());
        near.connect(acceptor.local_endpoint());
        acceptor.accept(far);
        return {std::move(near), std::move(far)};
    }
    template <class Coroutine>
    void run_coroutine(Coroutine coroutine) {
        asio::co_spawn(context(), std::move(coroutine), [](std::exception_ptr e) {
            if (e) std::rethrow_exception(e);
        });
        run();
    }
};
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
    auto [near, far] = connected();
    std::string line;
    asio::async_read_until(near, asio::dynamic_buffer(line), '\n', [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        line.resize(n);
    });
    const std::array<asio::const_buffer, 3> parts{asio::buffer("one ", 4), asio::buffer("two ", 4),
                                                  asio::buffer("three\n", 6)};
    asio::async_write(far, parts, [](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 14u);
    });
    run();
    EXPECT_EQ(line, "one two three\n");
}

TEST_P(tcp_io, futures_and_error_codes_are_completion_tokens_too) {
    auto [near, far] = connected();
    auto written = far.async_write_some(asio::buffer("12", 2), asio::use_future);
    char data[2];
    auto read = near.async_read_some(asio::buffer(data), asio::use_future);
    run();
    EXPECT_EQ(written.get(), 2u);
    EXPECT_EQ(read.get(), 2u);
    auto deferred = near.async_read_some(asio::buffer(data), asio::use_future);
    far.close();
    run();
    EXPECT_EQ(outcome(deferred), asio::error::eof);
}

TEST_P(tcp_io, a_handler_is_never_called_from_inside_the_call_that_begins) {
    auto [near, far] = connected();
    char data[1];
    bool inside = true;
    int ended = 0;
    const auto note = [&](error_code, std::size_t) {
        EXPECT_FALSE(inside);
        ++ended;
    };
    near.async_read_some(asio::buffer(data, 0), note);
    near.async_write_some(asio::buffer("x", 1), note);
    tcp_socket closed(context());
    closed.async_read_some(asio::buffer(data), note);
    asio::post(context(), [&] {
        inside = true;
        near.async_write_some(asio::buffer("x", 1), note);
        inside = false;
    });
    inside = false;
    run();
    EXPECT_EQ(ended, 4);
}

TEST_P(tcp_io, an_operation_on_a_socket_that_is_not_open_says_so) {
    tcp_socket closed(context());
    char data[1];
    error_code ec;
    closed.async_read_some(asio::buffer(data), [&](error_code e, std::size_t) { ec = e; });
    run();
    EXPECT_EQ(ec, asio::error::bad_descriptor);
}

TEST_P(tcp_io, close_ends_what_is_under_way_once_each) {
    auto [near, far] = connected();
    char data[8];
    int aborted = 0, other = 0;
    for (int i = 0; i < 3; ++i) {
        near.async_read_some(asio::buffer(data), [&](error_code ec, std::size_t) {
            ec == asio::error::operation_aborted ? ++aborted : ++other;
        });
    }
    context().run_for(5ms);
    near.close();
    EXPECT_EQ(aborted, 0) << "never from inside the call";
    std::fill(std::begin(data), std::end(data), 'u');
    error_code ignored;
    far.send(asio::buffer("late", 4), 0, ignored);
    run();
    EXPECT_EQ(aborted, 3);
    EXPECT_EQ(other, 0);
    EXPECT_EQ(std::string(data, 8), "uuuuuuuu") << "nothing wrote into it after close";
}

TEST_P(tcp_io, cancel_ends_what_is_under_way_and_the_socket_lives_on) {
    auto [near, far] = connected();
    char data[8];
    error_code ec;
    near.async_read_some(asio::buffer(data), [&](error_code e, std::size_t) { ec = e; });
    context().poll();
    near.cancel();
    run();
    EXPECT_EQ(ec, asio::error::operation_aborted);
    far.send(asio::buffer("still", 5));
    std::size_t size = 0;
    near.async_read_some(asio::buffer(data), [&](error_code e, std::size_t n) { ec = e, size = n; });
    run();
    EXPECT_FALSE(ec);
    EXPECT_EQ(size, 5u);
}

TEST_P(tcp_io, one_operation_is_cancelled_through_its_slot) {
    auto [near, far] = connected();
    char data[1];
    asio::cancellation_signal signal;
    error_code read_ec, written_ec = asio::error::fault;
    near.async_read_some(asio::buffer(data), asio::bind_cancellation_slot(
                                                 signal.slot(), [&](error_code e, std::size_t) { read_ec = e; }));
    asio::post(context(), [&] { signal.emit(asio::cancellation_type::terminal); });
    near.async_write_some(asio::buffer("x", 1), [&](error_code e, std::size_t) { written_ec = e; });
    run();
    EXPECT_EQ(read_ec, asio::error::operation_aborted);
    EXPECT_FALSE(written_ec);
}

TEST_P(tcp_io, a_read_races_a_timer) {
    auto [near, far] = connected();
    std::size_t winner = 9;
    run_coroutine([&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        char data[1];
        berth::steady_timer deadline(context(), 5ms);
        const auto first =
            co_await (near.async_read_some(asio::buffer(data), use_awaitable) || deadline.async_wait(use_awaitable));
        winner = first.index();
    });
    EXPECT_EQ(winner, 1u);
}

TEST_P(tcp_io, handlers_run_in_the_executor_that_they_are_bound_to) {
    auto [near, far] = connected();
    asio::thread_pool pool(1);
    std::thread::id there, here;
    asio::post(pool, [&] { there = std::this_thread::get_id(); });
    char data[1];
    std::atomic<bool> ended{false};
    near.async_read_some(asio::buffer(data), asio::bind_executor(pool, [&](error_code ec, std::size_t) {
                             EXPECT_FALSE(ec);
                             here = std::this_thread::get_id();
                             ended = true;
                         }));
    far.send(asio::buffer("x", 1));
    run();
    pool.join();
    EXPECT_TRUE(ended);
    EXPECT_EQ(here, there);
}

TEST_P(tcp_io, operations_begun_by_another_thread_are_carried_out) {
    auto [near, far] = connected();
    const auto guard = asio::make_work_guard(context());
    std::thread runner([&] { context().run(); });
    for (int i = 0; i < 200; ++i) {
        char data[1];
        auto read = near.async_read_some(asio::buffer(data), asio::use_future);
        auto written = far.async_write_some(asio::buffer("x", 1), asio::use_future);
        EXPECT_EQ(written.get(), 1u);
        EXPECT_EQ(read.get(), 1u);
    }
    char data[1];
    auto last = near.async_read_some(asio::buffer(data), asio::use_future);
    near.close();  // from this thread, while the other one runs
    EXPECT_EQ(outcome(last), asio::error::operation_aborted);
    context().stop();
    runner.join();
}

TEST_P(tcp_io, sockets_of_a_stopped_context_close_in_any_thread) {
    auto [near, far] = connected();
    char data[1];
    near.async_read_some(asio::buffer(data), [](error_code, std::size_t) {});
    std::thread([&] { context().run_for(5ms); }).join();
    near.close();
    run();
}

TEST_P(tcp_io, connect_reports_a_refusal) {
    tcp::endpoint nobody = anywhere;
    {
        tcp_acceptor gone(context(), anywhere);
        nobody = gone.local_endpoint();
    }
    tcp_socket client(context());
    error_code ec;
    client.async_connect(nobody, [&](error_code e) { ec = e; });
    run();
    EXPECT_EQ(ec, asio::error::connection_refused);
    EXPECT_THROW(tcp_socket(context()).connect(nobody), std::system_error);
}

TEST_P(tcp_io, a_write_to_a_closed_connection_is_an_error_and_not_a_signal) {
    auto [near, far] = connected();
    far.set_option(asio::socket_base::linger(true, 0));
    far.close();
    error_code last;
    run_coroutine([&]() -> asio::awaitable<void> {
        const std::string data(4096, 'x');
        for (int i = 0; i < 100 && !last; ++i) {
            const auto [ec, n] =
                co_await near.async_write_some(asio::buffer(data), asio::experimental::as_tuple(use_awaitable));
            last = ec;
        }
    });
    EXPECT_TRUE(last == asio::error::connection_reset || last == asio::error::broken_pipe) << last.message();
}

TEST_P(tcp_io, waits_tell_readable_from_writable) {
    auto [near, far] = connected();
    bool readable = false, writable = false;
    near.async_wait(tcp_socket::wait_read, [&](error_code ec) { readable = !ec; });
    near.async_wait(tcp_socket::wait_write, [&](error_code ec) { writable = !ec; });
    context().run_for(5ms);
    EXPECT_TRUE(writable);
    EXPECT_FALSE(readable);
    far.send(asio::buffer("x", 1));
    run();
    EXPECT_TRUE(readable);
    EXPECT_EQ(near.available(), 1u);
}

TEST_P(tcp_io, synchronous_calls_wait_unless_told_not_to) {
    auto [near, far] = connected();
    char data[1];
    error_code ec;
    near.non_blocking(true);
    near.read_some(asio::buffer(data), ec);
    EXPECT_EQ(ec, asio::error::would_block);
    near.non_blocking(false);
    std::thread later([&, &end = far] {
        std::this_thread::sleep_for(10ms);
        end.send(asio::buffer("x", 1));
    });
    EXPECT_EQ(near.read_some(asio::buffer(data)), 1u);
    later.join();
}

TEST_P(tcp_io, options_are_set_and_read) {
    auto [near, far] = connected();
    near.set_option(tcp::no_delay(true));
    tcp::no_delay no_delay;
    near.get_option(no_delay);
    EXPECT_TRUE(no_delay.value());
    EXPECT_EQ(near.remote_endpoint(), far.local_endpoint());
}

TEST_P(tcp_io, release_hands_the_descriptor_to_asio_itself) {
    auto [near, far] = connected();
    asio::io_context foreign;
    asio::ip::tcp::socket theirs(foreign, tcp::v4(), near.release());
    EXPECT_FALSE(near.is_open());
    far.send(asio::buffer("x", 1));
    char data[1];
    EXPECT_EQ(asio::read(theirs, asio::buffer(data)), 1u);
}

TEST_P(tcp_io, a_listener_out_of_a_block_serves_and_goes_back) {
    berth::reservation_request request;
    request.block = {0, 2};
    request.protocol = berth::transport::tcp;
    request.family = berth::address_family::ipv4;
    auto ports = berth::port_reservation::reserve(request);
    for (int round = 0; round < 5; ++round) {
        auto listener = ports.take<tcp_acceptor>(context().get_executor());
        tcp_socket client(context());
        int accepted = 0;
        listener->async_accept([&](error_code ec, tcp_socket) { accepted += !ec; });
        client.async_connect({asio::ip::address_v4::loopback(), listener.port()},
                             [](error_code ec) { EXPECT_FALSE(ec); });
        run();
        EXPECT_EQ(accepted, 1);
        error_code ec;
        listener.give_back(ec);
        EXPECT_FALSE(ec) << ec.message();
    }
    EXPECT_EQ(ports.statistics().condemned, 0u);
    EXPECT_EQ(ports.statistics().ports.available, 2u);
}

}  // namespace
