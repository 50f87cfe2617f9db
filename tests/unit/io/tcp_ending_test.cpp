// How operations on TCP sockets end: cancelled, closed under them, refused, in another executor or thread.
#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;

class tcp_ending : public tcp_by_backend {};
BERTH_BY_BACKEND(tcp_ending);

TEST_P(tcp_ending, an_operation_on_a_socket_that_is_not_open_says_so) {
    tcp_socket closed(context());
    char data[1];
    error_code ec;
    closed.async_read_some(asio::buffer(data), [&](error_code e, std::size_t) { ec = e; });
    run();
    EXPECT_EQ(ec, asio::error::bad_descriptor);
}

TEST_P(tcp_ending, close_ends_what_is_under_way_once_each) {
    auto [local_end, remote_end] = connected();
    char data[8];
    int aborted = 0, other = 0;
    for (int i = 0; i < 3; ++i) {
        local_end.async_read_some(asio::buffer(data), [&](error_code ec, std::size_t) {
            ec == asio::error::operation_aborted ? ++aborted : ++other;
        });
    }
    context().run_for(5ms);
    local_end.close();
    EXPECT_EQ(aborted, 0) << "never from inside the call";
    std::fill(std::begin(data), std::end(data), 'u');
    error_code ignored;
    remote_end.send(asio::buffer("late", 4), 0, ignored);
    run();
    EXPECT_EQ(aborted, 3);
    EXPECT_EQ(other, 0);
    EXPECT_EQ(std::string(data, 8), "uuuuuuuu") << "nothing wrote into it after close";
}

TEST_P(tcp_ending, cancel_ends_what_is_under_way_and_the_socket_lives_on) {
    auto [local_end, remote_end] = connected();
    char data[8];
    error_code ec;
    local_end.async_read_some(asio::buffer(data), [&](error_code e, std::size_t) { ec = e; });
    context().poll();
    local_end.cancel();
    run();
    EXPECT_EQ(ec, asio::error::operation_aborted);
    remote_end.send(asio::buffer("still", 5));
    std::size_t size = 0;
    local_end.async_read_some(asio::buffer(data), [&](error_code e, std::size_t n) { ec = e, size = n; });
    run();
    EXPECT_FALSE(ec);
    EXPECT_EQ(size, 5u);
}

TEST_P(tcp_ending, one_operation_is_cancelled_through_its_slot) {
    auto [local_end, remote_end] = connected();
    char data[1];
    asio::cancellation_signal signal;
    error_code read_ec, written_ec = asio::error::fault;
    local_end.async_read_some(asio::buffer(data), asio::bind_cancellation_slot(
                                                 signal.slot(), [&](error_code e, std::size_t) { read_ec = e; }));
    asio::post(context(), [&] { signal.emit(asio::cancellation_type::terminal); });
    local_end.async_write_some(asio::buffer("x", 1), [&](error_code e, std::size_t) { written_ec = e; });
    run();
    EXPECT_EQ(read_ec, asio::error::operation_aborted);
    EXPECT_FALSE(written_ec);
}

TEST_P(tcp_ending, a_read_races_a_timer) {
    auto [local_end, remote_end] = connected();
    std::size_t winner = 9;
    run_coroutine([&]() -> asio::awaitable<void> {
        using namespace asio::experimental::awaitable_operators;
        char data[1];
        berth::steady_timer deadline(context(), 5ms);
        const auto first =
            co_await (local_end.async_read_some(asio::buffer(data), use_awaitable) || deadline.async_wait(use_awaitable));
        winner = first.index();
    });
    EXPECT_EQ(winner, 1u);
}

TEST_P(tcp_ending, handlers_run_in_the_executor_that_they_are_bound_to) {
    auto [local_end, remote_end] = connected();
    asio::thread_pool pool(1);
    std::thread::id there, here;
    asio::post(pool, [&] { there = std::this_thread::get_id(); });
    char data[1];
    std::atomic<bool> ended{false};
    local_end.async_read_some(asio::buffer(data), asio::bind_executor(pool, [&](error_code ec, std::size_t) {
                             EXPECT_FALSE(ec);
                             here = std::this_thread::get_id();
                             ended = true;
                         }));
    remote_end.send(asio::buffer("x", 1));
    run();
    pool.join();
    EXPECT_TRUE(ended);
    EXPECT_EQ(here, there);
}

TEST_P(tcp_ending, operations_begun_by_another_thread_are_carried_out) {
    auto [local_end, remote_end] = connected();
    const auto guard = asio::make_work_guard(context());
    std::thread runner([&] { context().run(); });
    for (int i = 0; i < 200; ++i) {
        char data[1];
        auto read = local_end.async_read_some(asio::buffer(data), asio::use_future);
        auto written = remote_end.async_write_some(asio::buffer("x", 1), asio::use_future);
        EXPECT_EQ(written.get(), 1u);
        EXPECT_EQ(read.get(), 1u);
    }
    char data[1];
    std::promise<error_code> last;
    local_end.async_read_some(asio::buffer(data), [&](error_code ec, std::size_t) { last.set_value(ec); });
    local_end.close();  // from this thread, while the other one runs
    EXPECT_EQ(last.get_future().get(), asio::error::operation_aborted);
    context().stop();
    runner.join();
}

TEST_P(tcp_ending, sockets_of_a_stopped_context_close_in_any_thread) {
    auto [local_end, remote_end] = connected();
    char data[1];
    local_end.async_read_some(asio::buffer(data), [](error_code, std::size_t) {});
    std::thread([&] { context().run_for(5ms); }).join();
    local_end.close();
    run();
}

TEST_P(tcp_ending, connect_reports_a_refusal) {
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

TEST_P(tcp_ending, a_write_to_a_closed_connection_is_an_error_and_not_a_signal) {
    auto [local_end, remote_end] = connected();
    remote_end.set_option(asio::socket_base::linger(true, 0));
    remote_end.close();
    error_code last;
    run_coroutine([&]() -> asio::awaitable<void> {
        const std::string data(4096, 'x');
        for (int i = 0; i < 100 && !last; ++i) {
            const auto [ec, n] =
                co_await local_end.async_write_some(asio::buffer(data), asio::experimental::as_tuple(use_awaitable));
            last = ec;
        }
    });
    EXPECT_TRUE(last == asio::error::connection_reset || last == asio::error::broken_pipe) << last.message();
}

}  // namespace
