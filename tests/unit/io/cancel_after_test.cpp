// Time limits of single operations: what ends in time is left alone, what does not is cancelled, and the clock goes
// with the operation.
#include <berth/cancel_after.hpp>
#include <berth/connect.hpp>
#include <berth/outbound.hpp>
#include <berth/udp_socket.hpp>

#include <asio/experimental/deferred.hpp>
#include <asio/post.hpp>

#include <memory_resource>

#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;
using berth::cancel_after;
using berth::cancel_at;
using clock_type = std::chrono::steady_clock;
constexpr auto awaiting_tuple = asio::experimental::as_tuple(use_awaitable);

class cancel_after_test : public tcp_by_backend {
protected:
    char data_[16] = {};
    error_code ec_;
    std::size_t size_ = 99;
    int calls_ = 0;
    auto note() {
        return [this](error_code ec, std::size_t size) { ec_ = ec, size_ = size, ++calls_; };
    }
};
BERTH_BY_BACKEND(cancel_after_test);

TEST_P(cancel_after_test, what_takes_too_long_is_cancelled_and_its_socket_lives_on) {
    auto [local_end, remote_end] = connected();
    const auto start = clock_type::now();
    local_end.async_read_some(asio::buffer(data_), cancel_after(30ms, note()));
    run();
    EXPECT_EQ(ec_, asio::error::operation_aborted);
    EXPECT_GE(clock_type::now() - start, 30ms);
    EXPECT_EQ(calls_, 1);
    asio::write(remote_end, asio::buffer("later", 5));
    local_end.async_read_some(asio::buffer(data_), cancel_after(10s, note()));
    run();
    EXPECT_FALSE(ec_);
    EXPECT_EQ(size_, 5u);
}

TEST_P(cancel_after_test, the_clock_of_what_ended_in_time_keeps_nobody) {
    auto [local_end, remote_end] = connected();
    asio::write(remote_end, asio::buffer("at once", 7));
    const auto start = clock_type::now();
    local_end.async_read_some(asio::buffer(data_), cancel_after(1h, note()));
    run();
    EXPECT_LT(clock_type::now() - start, 5s);
    EXPECT_EQ(size_, 7u);
    EXPECT_EQ(context().next_due(), clock_type::time_point::max());
}

TEST_P(cancel_after_test, what_ends_in_the_very_turn_in_which_it_is_late_ends_once_and_its_clock_with_it) {
    auto [local_end, remote_end] = connected();
    for (int i = 0; i < 20; ++i) {
        bool is_over = false;
        local_end.async_read_some(asio::buffer(data_), cancel_after(1ms, [&](error_code, std::size_t) {
                                      is_over = true;  // whoever comes next has this one's memory
                                      local_end.async_read_some(asio::buffer(data_), cancel_after(1h, note()));
                                      asio::write(remote_end, asio::buffer("y", 1));
                                  }));
        asio::write(remote_end, asio::buffer("x", 1));
        for (int busy = 0; busy < 300; ++busy) {  // so that the loop looks around when both are there
            asio::post(context(), [] {
                const auto until = clock_type::now() + 20us;
                while (clock_type::now() < until) {}
            });
        }
        run();
        EXPECT_TRUE(is_over);
        EXPECT_EQ(context().next_due(), clock_type::time_point::max()) << "round " << i;
        ASSERT_EQ(calls_, i + 1);
    }
}

TEST_P(cancel_after_test, a_composed_operation_says_how_far_it_came) {
    auto [local_end, remote_end] = connected();
    asio::write(remote_end, asio::buffer("half", 4));
    asio::async_read(local_end, asio::buffer(data_, 8), cancel_after(30ms, note()));
    run();
    EXPECT_EQ(ec_, asio::error::operation_aborted);
    EXPECT_EQ(size_, 4u);
}

TEST_P(cancel_after_test, zero_the_past_and_for_ever_are_limits_too) {
    auto [local_end, remote_end] = connected();
    local_end.async_read_some(asio::buffer(data_), cancel_after(0s, note()));
    run();
    local_end.async_read_some(asio::buffer(data_), cancel_after(-1h, note()));
    run();
    local_end.async_read_some(asio::buffer(data_), cancel_at(clock_type::now() - 1s, note()));
    run();
    EXPECT_EQ(calls_, 3);
    EXPECT_EQ(ec_, asio::error::operation_aborted);
    asio::write(remote_end, asio::buffer("x", 1));
    local_end.async_read_some(asio::buffer(data_), cancel_after(clock_type::duration::max(), note()));
    run();
    EXPECT_FALSE(ec_);
}

TEST_P(cancel_after_test, coroutines_futures_and_deferred_operations) {
    auto [local_end, remote_end] = connected();
    bool is_over = false;
    asio::co_spawn(
        context(),
        [&, &local_end = local_end]() -> asio::awaitable<void> {
            auto [ec, size] = co_await local_end.async_read_some(asio::buffer(data_), cancel_after(10ms, awaiting_tuple));
            EXPECT_EQ(ec, asio::error::operation_aborted);
            berth::steady_timer timer(context(), 1h);
            auto [waited] = co_await timer.async_wait(cancel_at(clock_type::now() + 10ms, awaiting_tuple));
            EXPECT_EQ(waited, asio::error::operation_aborted);
            auto later = local_end.async_read_some(asio::buffer(data_), cancel_after(10ms, asio::experimental::deferred));
            EXPECT_THROW(co_await std::move(later)(use_awaitable), std::system_error);
            is_over = true;
        },
        asio::detached);
    run();
    EXPECT_TRUE(is_over);
    const auto guard = asio::make_work_guard(context());
    std::thread runner([&] { context().run(); });
    for (int i = 0; i < 300; ++i) {  // begun on another thread, over at any moment
        const auto said = std::make_shared<std::promise<error_code>>();
        local_end.async_read_some(asio::buffer(data_), cancel_after(std::chrono::microseconds(i % 50),
                                                               [said](error_code ec, auto) { said->set_value(ec); }));
        EXPECT_EQ(said->get_future().get(), asio::error::operation_aborted);
    }
    context().stop();
    runner.join();
}

TEST_P(cancel_after_test, accept_connect_names_and_datagrams_have_limits) {
    tcp_acceptor door(context(), anywhere);
    berth::udp_socket datagrams(context(), asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0));
    berth::steady_timer timer(context(), 1h);
    int aborted = 0;
    const auto count = [&](error_code ec, auto&&...) { aborted += ec == asio::error::operation_aborted; };
    door.async_accept(cancel_after(5ms, count));
    datagrams.async_receive(asio::buffer(data_), cancel_after(6ms, count));
    timer.async_wait(cancel_after(7ms, count));
    door.async_wait(tcp_acceptor::wait_read, cancel_after(8ms, count));
    run();
    EXPECT_EQ(aborted, 4);
    tcp_socket client(context());
    const std::array to{door.local_endpoint()};
    asio::async_connect(client, to,
                        cancel_after(5s, [&](error_code ec, const tcp::endpoint&) { ec_ = ec, ++calls_; }));
    run();
    EXPECT_FALSE(ec_);
    EXPECT_EQ(calls_, 1);
}

TEST_P(cancel_after_test, the_tokens_own_slot_works_on) {
    auto [local_end, remote_end] = connected();
    asio::cancellation_signal stop;
    local_end.async_read_some(asio::buffer(data_), cancel_after(1h, asio::bind_cancellation_slot(stop.slot(), note())));
    asio::post(context(), [&] { stop.emit(asio::cancellation_type::terminal); });
    run();
    EXPECT_EQ(ec_, asio::error::operation_aborted);
    stop.emit(asio::cancellation_type::terminal);  // nobody is there
}

TEST_P(cancel_after_test, handlers_of_strands_and_of_other_contexts_are_told_where_they_live) {
    auto [local_end, remote_end] = connected();
    const auto other = patient_context({.backend = GetParam()});
    const auto guard = asio::make_work_guard(*other);
    std::thread second([&] { other->run(); });
    const auto strand = asio::make_strand(*other);
    for (int i = 0; i < 200; ++i) {
        const auto where = std::make_shared<std::promise<std::thread::id>>();
        if (i % 2 == 0) asio::post(context(), [&, &remote_end = remote_end] { remote_end.send(asio::buffer("x", 1)); });
        local_end.async_read_some(
            asio::buffer(data_),
            cancel_after(std::chrono::microseconds(i), asio::bind_executor(strand, [where](error_code, std::size_t) {
                             where->set_value(std::this_thread::get_id());
                         })));
        run();
        EXPECT_EQ(where->get_future().get(), second.get_id());
    }
    other->stop();
    second.join();
}

TEST_P(cancel_after_test, a_context_that_goes_frees_both_the_operation_and_its_clock) {
    auto pair = std::make_shared<std::pair<tcp_socket, tcp_socket>>(connected());
    const std::weak_ptr<void> alive = pair;
    auto& local_end = pair->first;  // as sessions are kept by their handlers
    local_end.async_read_some(asio::buffer(data_), cancel_after(1h, [pair](error_code, std::size_t) {}));
    pair.reset();
    context().run_for(1ms);
    EXPECT_FALSE(alive.expired());
    context_.reset();
    EXPECT_TRUE(alive.expired());
}

TEST_P(cancel_after_test, an_executor_that_is_no_loops_is_refused) {
    asio::io_context stock;
    asio::steady_timer timer(stock, 1h);
    try {
        timer.async_wait(cancel_after(1s, [](error_code) {}));
        ADD_FAILURE() << "there is no loop for the clock";
    } catch (const std::system_error& refused) {
        EXPECT_NE(std::string(refused.what()).find("berth::io_context"), std::string::npos) << refused.what();
    }
}

// Found by tests/simulation. What cannot begin is posted, and Asio then asks a handler for its allocator that it has
// moved from.
TEST_P(cancel_after_test, a_handler_with_an_allocator_hears_of_what_could_not_begin) {
    struct with_allocator {
        using allocator_type = std::pmr::polymorphic_allocator<char>;
        [[nodiscard]] allocator_type get_allocator() const noexcept { return memory; }
        void operator()(const error_code& ec, const berth::bound<berth::tcp_socket>& connected) const {
            EXPECT_EQ(ec, berth::errc::reservation_released);
            EXPECT_FALSE(connected);
            ++*calls;
        }
        std::pmr::memory_resource* memory;
        int* calls;
    };
    std::pmr::unsynchronized_pool_resource memory;
    berth::port_reservation nothing;
    nothing.async_connect<berth::tcp_socket>(context_->get_executor(), {asio::ip::address_v4::loopback(), 9},
                                             cancel_after(10s, with_allocator{&memory, &calls_}));
    run();
    EXPECT_EQ(calls_, 1);
}

TEST_P(cancel_after_test, ten_thousand_limits_end_in_their_order) {
    std::vector<berth::steady_timer> timers;
    std::vector<int> order;
    for (int i = 0; i < 10'000; ++i) timers.emplace_back(context(), 1h);
    const auto start = clock_type::now() + 20ms;
    for (int i = 0; i < 10'000; ++i) {
        const int place = (i * 7919) % 10'000;
        timers[static_cast<std::size_t>(i)].async_wait(
            cancel_at(start + std::chrono::microseconds(place), [&order, place](error_code ec) {
                EXPECT_EQ(ec, asio::error::operation_aborted);
                order.push_back(place);
            }));
    }
    run();
    EXPECT_EQ(order.size(), 10'000u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

}  // namespace
