// Handlers whose executor is another's: that one stays busy until they are called, and calls them.
#include <berth/steady_timer.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/bind_executor.hpp>
#include <asio/strand.hpp>

#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;

class handler_place_test : public by_backend {
protected:
    void SetUp() override {
        by_backend::SetUp();
        if (!IsSkipped()) other_ = patient_context({.backend = GetParam()});
    }
    /// Starts something that ends in a while, and runs both; where its handler was called.
    template <class Start>
    std::thread::id place_of_call(Start start) {
        std::thread::id called;
        start([&called](auto&&...) { called = std::this_thread::get_id(); });
        std::thread second([&] {
            other_->run();
            second_ = std::this_thread::get_id();
        });
        run();
        second.join();
        other_->restart();
        return called;
    }
    template <class Executor>
    void expect_called_there(Executor executor) {
        berth::steady_timer timer(context(), 20ms);
        EXPECT_EQ(place_of_call([&](auto handler) { timer.async_wait(asio::bind_executor(executor, handler)); }),
                  second_);

        tcp_acceptor door(context(), anywhere);
        timer.expires_after(20ms);
        timer.async_wait([&](error_code) { door.close(); });
        EXPECT_EQ(place_of_call([&](auto handler) { door.async_accept(asio::bind_executor(executor, handler)); }),
                  second_);
    }
    std::unique_ptr<berth::io_context> other_;
    std::thread::id second_;
};

TEST_P(handler_place_test, another_context_waits_for_its_handler) { expect_called_there(other_->get_executor()); }

TEST_P(handler_place_test, and_behind_a_type_erased_executor) {
    expect_called_there(asio::any_io_executor(other_->get_executor()));
}

TEST_P(handler_place_test, and_a_strand_of_it) { expect_called_there(asio::make_strand(other_->get_executor())); }

TEST_P(handler_place_test, the_own_context_calls_it_itself_type_erased_or_not) {
    berth::steady_timer timer(context(), 1ms);
    const auto here = std::this_thread::get_id();
    EXPECT_EQ(place_of_call([&](auto handler) { timer.async_wait(handler); }), here);
    timer.expires_after(1ms);
    const asio::any_io_executor erased = context().get_executor();
    EXPECT_EQ(place_of_call([&](auto handler) { timer.async_wait(asio::bind_executor(erased, handler)); }), here);
}

/// Signals and results at the same time, on two threads.
TEST_P(handler_place_test, is_where_signals_come_while_the_operation_ends) {
    const auto guard = asio::make_work_guard(*other_);
    std::thread second([&] { other_->run(); });
    const auto strand = asio::make_strand(*other_);
    asio::cancellation_signal signal;  // the strand's
    std::atomic<int> called{0};
    berth::steady_timer timer(context());
    tcp_acceptor door(context(), anywhere);
    for (int i = 0; i < 2000 && !HasFailure(); ++i) {
        const auto count = [&](error_code, auto&&...) { ++called; };
        const auto there = [&] {
            return asio::bind_executor(strand, asio::bind_cancellation_slot(signal.slot(), count));
        };
        asio::post(strand, [&] {
            if (i % 2 == 0) {
                timer.expires_after(std::chrono::microseconds(i % 30));
                timer.async_wait(there());
            } else {
                door.async_accept(there());
                if (i % 4 == 1) asio::post(context(), [&] { door.cancel(); });
            }
            asio::post(strand, [&] { signal.emit(asio::cancellation_type::terminal); });
        });
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (called != i + 1 && std::chrono::steady_clock::now() < deadline) {
            context().run_for(100us);
            context().restart();
        }
        ASSERT_EQ(called, i + 1);
    }
    other_->stop();
    second.join();
}

BERTH_BY_BACKEND(handler_place_test);

}  // namespace
