// A berth::io_context is an execution context as Asio knows them, on either backend.
#include <berth/steady_timer.hpp>

#include <asio.hpp>

#include <atomic>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "unit/io/by_backend.hpp"

namespace {

using namespace io_test;
using executor = berth::io_context::executor_type;

static_assert(asio::execution::is_executor_v<executor>);
static_assert(std::is_convertible_v<executor, asio::any_io_executor>);
static_assert(std::is_convertible_v<berth::io_context&, asio::execution_context&>);
static_assert(asio::can_require_v<executor, asio::execution::blocking_t::never_t>);
static_assert(asio::can_require_v<executor, asio::execution::outstanding_work_t::tracked_t>);

std::size_t threads_of_this_process() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}

class io_context : public by_backend {};
BERTH_BY_BACKEND(io_context);

TEST_P(io_context, says_what_it_runs_on_and_why) {
    EXPECT_EQ(context().backend(), GetParam() == backend_choice::asio ? "asio" : "io_uring");
    EXPECT_NE(context().backend_reason(), "");
}

TEST_P(io_context, posted_functions_run_in_order_and_not_at_once) {
    std::vector<int> order;
    for (int i = 0; i < 100; ++i) asio::post(context(), [&order, i] { order.push_back(i); });
    EXPECT_TRUE(order.empty());
    EXPECT_EQ(context().run(), 100u);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
    EXPECT_TRUE(context().stopped()) << "out of work";
    EXPECT_EQ(context().run(), 0u) << "not before restart";
}

TEST_P(io_context, dispatch_runs_at_once_inside_and_later_outside) {
    std::string seen;
    asio::dispatch(context(), [&] {
        seen += 'a';
        asio::dispatch(context(), [&] { seen += 'b'; });
        asio::post(context(), [&] { seen += 'd'; });
        asio::defer(context(), [&] { seen += 'e'; });
        seen += 'c';
    });
    EXPECT_EQ(seen, "");
    run();
    EXPECT_EQ(seen, "abcde");
}

TEST_P(io_context, run_one_runs_one_and_poll_does_not_wait) {
    int count = 0;
    for (int i = 0; i < 3; ++i) asio::post(context(), [&] { ++count; });
    EXPECT_EQ(context().run_one(), 1u);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(context().poll_one(), 1u);
    EXPECT_EQ(context().poll(), 1u);
    context().restart();
    berth::steady_timer timer(context(), 1h);
    timer.async_wait([](auto) {});
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(context().poll(), 0u);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 1s);
    EXPECT_FALSE(context().stopped()) << "a wait is under way";
}

TEST_P(io_context, run_for_ends_in_time) {
    const auto guard = asio::make_work_guard(context());
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(context().run_for(30ms), 0u);
    const auto took = std::chrono::steady_clock::now() - before;
    EXPECT_GE(took, 30ms);
    EXPECT_LT(took, 5s);
    EXPECT_EQ(context().run_one_for(1ms), 0u);
}

TEST_P(io_context, a_work_guard_keeps_it_running_until_it_is_gone) {
    auto guard = asio::make_work_guard(context());
    std::atomic<bool> is_gone{false};
    std::thread later([&] {
        std::this_thread::sleep_for(20ms);
        is_gone = true;
        guard.reset();
    });
    run();
    EXPECT_TRUE(is_gone) << "it ended before";
    later.join();
}

TEST_P(io_context, functions_posted_by_other_threads_all_run_and_wake_it) {
    constexpr int threads = 4, each = 2000;
    std::atomic<int> count{0};
    auto guard = asio::make_work_guard(context());
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
        all.emplace_back([&, t] {
            for (int i = 0; i < each; ++i) {
                asio::post(context(), [&] {
                    if (++count == threads * each) guard.reset();
                });
                if (i % 100 == t) std::this_thread::sleep_for(1ms);  // lets it fall asleep
            }
        });
    }
    run();
    for (auto& t : all) t.join();
    EXPECT_EQ(count, threads * each);
}

// One at a time. Each comes while the loop is on its way to sleep after the one before it, which takes now shorter, now
// longer to return.
TEST_P(io_context, a_function_posted_while_it_falls_asleep_is_not_left_behind) {
    constexpr unsigned rounds = 3000;
    std::atomic<unsigned> ran{0};
    auto guard = asio::make_work_guard(context());
    std::thread other([&] {
        for (unsigned i = 0; i < rounds && ran.load() == i; ++i) {
            asio::post(context(), [&ran, i] {
                ran.store(i + 1);
                for (volatile unsigned pause = 0; pause < i % 500;) pause = pause + 1;
            });
            const auto until = std::chrono::steady_clock::now() + 3s;
            while (ran.load() == i && std::chrono::steady_clock::now() < until) {
            }
        }
        guard.reset();
    });
    run();
    other.join();
    EXPECT_EQ(ran, rounds) << "the loop slept though there was a function";
}

TEST_P(io_context, the_last_work_that_ends_elsewhere_while_it_falls_asleep_ends_the_run) {
    constexpr unsigned rounds = 4000;
    std::atomic<unsigned> begun{0}, ended{0};
    std::optional<asio::executor_work_guard<berth::io_context::executor_type>> guard;
    std::thread other([&] {
        for (unsigned i = 1; i <= rounds; ++i) {
            while (begun.load() != i) {
            }
            for (volatile unsigned pause = 0; pause < i % 400;) pause = pause + 1;
            guard->reset();
            ended.store(i);
        }
    });
    unsigned late = 0;
    for (unsigned i = 1; i <= rounds; ++i) {
        guard.emplace(asio::make_work_guard(context()));
        asio::post(context(), [&] { begun.store(i); });
        const auto began = std::chrono::steady_clock::now();
        context().run_for(1s);
        if (std::chrono::steady_clock::now() - began >= 1s) ++late;
        while (ended.load() != i) {
        }
        context().restart();
    }
    other.join();
    EXPECT_EQ(late, 0u) << "the loop slept though nothing was left to do";
}

TEST_P(io_context, stop_from_another_thread_ends_a_sleep) {
    const auto guard = asio::make_work_guard(context());
    std::thread later([&] {
        std::this_thread::sleep_for(20ms);
        context().stop();
    });
    context().run();
    later.join();
    EXPECT_TRUE(context().stopped());
    bool ran = false;
    asio::post(context(), [&] { ran = true; });
    EXPECT_EQ(context().poll(), 0u) << "stopped";
    context().restart();
    EXPECT_EQ(context().poll(), 1u);
    EXPECT_TRUE(ran);
}

TEST_P(io_context, a_handlers_exception_leaves_run_and_nothing_is_lost) {
    int after = 0;
    asio::post(context(), [] { throw std::runtime_error("from a handler"); });
    asio::post(context(), [&] { ++after; });
    EXPECT_THROW(context().run(), std::runtime_error);
    EXPECT_EQ(after, 0);
    run();
    EXPECT_EQ(after, 1);
}

TEST_P(io_context, handlers_that_never_ran_are_destroyed_with_it) {
    const auto alive = std::make_shared<int>(0);
    asio::post(context(), [alive] {});
    berth::steady_timer timer(context(), 1h);
    timer.async_wait([alive](auto) {});
    EXPECT_EQ(alive.use_count(), 3);
    timer.cancel();
    context_->stop();
    context_.reset(new berth::io_context({.backend = GetParam()}));
    EXPECT_EQ(alive.use_count(), 1);
    timer.~basic_steady_timer();
    new (&timer) berth::steady_timer(context());
}

TEST_P(io_context, one_thread_runs_it_at_a_time_and_another_is_told) {
    const auto guard = asio::make_work_guard(context());
    std::thread first([&] { context().run(); });
    std::atomic<bool> inside{false};
    asio::post(context(), [&] { inside = true; });
    while (!inside) std::this_thread::yield();
    try {
        context().run();
        ADD_FAILURE() << "two threads inside";
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::operation_not_permitted);
    }
    context().stop();
    first.join();
}

TEST_P(io_context, one_thread_after_another_may_run_it) {
    int ran = 0;
    for (int i = 0; i < 3; ++i) {
        berth::steady_timer timer(context(), 1ms);
        timer.async_wait([&](error_code ec) { ran += !ec; });
        std::thread([&] { context().run(); }).join();
        context().restart();
    }
    EXPECT_EQ(ran, 3);
}

TEST_P(io_context, a_strand_serialises_on_it) {
    auto strand = asio::make_strand(context());
    std::vector<int> order;
    for (int i = 0; i < 10; ++i) asio::post(strand, [&, i] { order.push_back(i); });
    run();
    EXPECT_EQ(order.size(), 10u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(io_context, no_thread_is_started_for_it) {
    const std::size_t before = threads_of_this_process();
    berth::steady_timer timer(context(), 1ms);
    timer.async_wait([](auto) {});
    run();
    EXPECT_EQ(threads_of_this_process(), before);
}

TEST_P(io_context, an_object_on_a_foreign_context_is_refused) {
    asio::io_context foreign;
    EXPECT_THROW(berth::basic_steady_timer<asio::any_io_executor>{foreign.get_executor()}, std::system_error);
}

}  // namespace
