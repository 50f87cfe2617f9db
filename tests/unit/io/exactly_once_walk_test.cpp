// A random walk over berth's sockets, timers and signals: every operation ends exactly once, whatever is done to it.
//
// Episodes: a context with a tiny ring, a dozen objects with tiny buffers, and steps by the thread that runs it, by
// its handlers, and by another thread beside it. At an episode's end all is closed and run out, or the context is
// destroyed over what is under way. BERTH_WALK_SEED repeats a walk, BERTH_WALK_STEPS makes it longer.
#include "unit/io/walk_world.hpp"

#include <cstdlib>
#include <iostream>

namespace {

using namespace io_test;

unsigned long from_environment(const char* name, unsigned long otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoul(text, nullptr, 10);
}

class exactly_once_walk : public walk_world {
protected:
    // --- how the context is run ---

    template <class Run>
    void run_with(Run run) {
        try {
            run();
        } catch (const thrown_by_a_handler&) {
        }
        if (context_->stopped()) context_->restart();
    }
    void act_some(std::size_t most, bool on_the_loop) {
        std::unique_lock lock(world_);
        for (std::size_t i = 1 + below(most); i != 0; --i, ++steps_) {
            act(on_the_loop);
            lock.unlock();  // handlers may act now
            lock.lock();
        }
    }
    void beside_a_running_thread() {
        std::atomic<bool> is_over{false};
        auto guard = asio::make_work_guard(*context_);
        std::thread runner([&] {
            while (!is_over) run_with([&] { context_->run(); });
        });
        for (int i = 0; i < 3; ++i) act_some(20, false);
        is_over = true;
        context_->stop();
        guard.reset();
        runner.join();
    }

    template <class Done>
    void run_until(Done done, const char* what) {
        is_ending_ = true;
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (!done() && std::chrono::steady_clock::now() < deadline) run_with([&] { context_->run_for(1ms); });
        EXPECT_TRUE(done()) << what << " leaves" << ledger_.names_of_pending();
        is_ending_ = false;
    }
    template <class All>
    static void each_of(objects& all, All call) {
        for (auto& s : all.streams) call(s);
        for (auto& s : all.doors) call(s);
        for (auto& s : all.datagrams) call(s);
    }
    void cancel_everything() {
        error_code ignored;
        each_of(*all_, [&](auto& s) { s.socket.cancel(ignored); });
        for (auto& t : all_->timers) t.cancel();
        all_->signals->cancel();
        run_until([&] { return ledger_.pending() == 0; }, "cancel");
    }

    void episode() {
        const auto before = berth::test::descriptors_now();
        constexpr std::uint32_t sizes[] = {1, 4, 64};
        is_gone_ = false;
        context_ = patient_context({.backend = GetParam(), .entries = sizes[below(3)]});
        all_ = std::make_shared<objects>(*context_);
        for (int round = 0; round < 12; ++round) {
            act_some(40, true);
            const auto dice = below(10);
            if (dice < 2) run_with([&] { context_->poll(); });
            if (dice == 2) run_with([&] { context_->run_one_for(1ms); });
            if (dice > 2 && dice < 6) run_with([&] { context_->run_for(1ms); });
            if (dice > 5 && dice < 9) beside_a_running_thread();
            if (dice == 9) cancel_everything();
        }
        const auto how = below(3);
        if (how == 0) {
            is_ending_ = true;
            each_of(*all_, [&](auto& s) { close(s); });
            for (auto& t : all_->timers) t.cancel();
            all_->signals->cancel();
            run_until([&] { return ledger_.pending() == 0; }, "close");
            all_.reset();
        } else if (how == 1) {
            const std::weak_ptr<objects> left = all_;
            all_.reset();  // by the handlers that keep it, if there are any
        } else {
            each_of(*all_, [&](auto& s) { close(s); });
            all_.reset();
        }
        context_.reset();
        is_gone_ = true;
        ledger_.settle(how == 0);
        EXPECT_EQ(berth::test::descriptors_now(), before);
    }
};

TEST_P(exactly_once_walk, every_operation_ends_exactly_once_whatever_is_done_to_it) {
    try {
        berth::io_context({.backend = GetParam()});
    } catch (const berth::reservation_error& refused) {
        GTEST_SKIP() << refused.what();
    }
    // A set that outlives the walk: a signal raised between two sets of it would end the program.
    berth::io_context aside;
    const berth::signal_set keeps_the_program(aside, SIGTERM);
    const auto first = from_environment("BERTH_WALK_SEED", std::random_device{}());
    const auto steps = from_environment("BERTH_WALK_STEPS", 40000);
    for (auto seed = first; steps_ < steps && !HasFailure(); ++seed) {
        random_.seed(seed);
        episode();
        if (HasFailure()) {
            std::cout << "again: BERTH_WALK_SEED=" << seed << " BERTH_WALK_STEPS=1 io_walk_test --gtest_filter='*/"
                      << (GetParam() == backend_choice::asio ? "asio" : "io_uring") << "'" << std::endl;
        }
    }
}
BERTH_BY_BACKEND(exactly_once_walk);

}  // namespace
