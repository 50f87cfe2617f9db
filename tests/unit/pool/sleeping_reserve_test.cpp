// An operation that sleeps on its context: however it is woken, called off or abandoned, it runs or ends once.
#include <berth/detail/sleeping_reserves.hpp>

#include <gtest/gtest.h>

#include <asio.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace {

using berth::detail::sleeping_reserve;

struct books {
    std::atomic<int> alive = 0, turns = 0, ends = 0, to_refuse = 0;
    int plain_turns = 0;  // no two at once
    bool wake_in_turn = false;
};

/// Sleeps until it was woken `naps` times, then ends.
class sleeper final : public sleeping_reserve {
public:
    static sleeper* begin(asio::io_context& context, books& b, int naps) {
        auto* const one = new sleeper(context, b, naps);
        asio::post(context, [owned = std::unique_ptr<sleeper>(one)]() mutable { turn(std::move(owned)); });
        return one;
    }
    ~sleeper() { --books_.alive; }

private:
    sleeper(asio::io_context& context, books& b, int naps) : context_(context), books_(b), naps_(naps) { ++b.alive; }

    static void turn(std::unique_ptr<sleeper> one) {
        one->stay_awake();
        ++one->books_.turns;
        ++one->books_.plain_turns;
        if (one->books_.wake_in_turn) one->wake();
        if (one->naps_-- == 0) {
            ++one->books_.ends;
            return;
        }
        auto& context = one->context_;
        if (one->fall_asleep(context)) {
            static_cast<void>(one.release());
            return;
        }
        asio::post(context, [owned = std::move(one)]() mutable { turn(std::move(owned)); });
    }

    struct woken {
        explicit woken(sleeper& of) noexcept : one(&of) {}
        woken(woken&& other) noexcept : one(std::exchange(other.one, nullptr)) {}
        ~woken() {
            if (one != nullptr && one->is_posted()) delete one;
        }
        void operator()() {
            std::unique_ptr<sleeper> mine(std::exchange(one, nullptr));
            mine->get_up();
            turn(std::move(mine));
        }
        sleeper* one;
    };
    void post_itself() override {
        woken function(*this);
        if (books_.to_refuse > 0) {
            --books_.to_refuse;
            throw std::bad_alloc();
        }
        asio::post(context_, std::move(function));
    }
    void end_itself() noexcept override { delete this; }

    asio::io_context& context_;
    books& books_;
    int naps_;
};

TEST(sleeping_reserve, takes_no_turn_before_it_is_woken) {
    asio::io_context context;
    books b;
    sleeper* const one = sleeper::begin(context, b, 1);
    context.run();
    EXPECT_EQ(b.turns, 1);
    EXPECT_EQ(b.alive, 1);
    EXPECT_EQ(context.poll(), 0u);
    one->wake();
    one->wake();
    context.restart();
    EXPECT_EQ(context.run(), 1u) << "woken twice, posted once";
    EXPECT_EQ(b.turns, 2);
    EXPECT_EQ(b.ends, 1);
    EXPECT_EQ(b.alive, 0);
}

TEST(sleeping_reserve, who_is_woken_during_his_turn_does_not_sleep_after_it) {
    asio::io_context context;
    books b;
    b.wake_in_turn = true;
    sleeper::begin(context, b, 3);
    context.run();
    EXPECT_EQ(b.turns, 4);
    EXPECT_EQ(b.ends, 1);
    EXPECT_EQ(b.alive, 0);
}

TEST(sleeping_reserve, ends_with_its_context) {
    books b;
    {
        asio::io_context context;
        for (int i = 0; i < 5; ++i) sleeper::begin(context, b, 1);
        context.run();
        EXPECT_EQ(b.alive, 5);
    }
    EXPECT_EQ(b.alive, 0);
    EXPECT_EQ(b.ends, 0);
}

TEST(sleeping_reserve, what_cannot_be_posted_now_is_posted_later) {
    asio::io_context context;
    books b;
    sleeper* const one = sleeper::begin(context, b, 1);
    context.run();
    b.to_refuse = 3;
    one->wake();
    EXPECT_EQ(b.to_refuse, 0);
    context.restart();
    EXPECT_EQ(context.run(), 1u);
    EXPECT_EQ(b.ends, 1);
    EXPECT_EQ(b.alive, 0);
}

// Woken and posted, and its context ends before it runs, or when it sleeps again.
TEST(sleeping_reserve, a_wake_shortly_before_the_context_s_end_leaves_nothing) {
    for (int i = 0; i < 300; ++i) {
        books b;
        auto context = std::make_unique<asio::io_context>();
        sleeper* const one = sleeper::begin(*context, b, 2);
        context->run();
        std::atomic<bool> woke = false;
        std::thread wakes([&] {
            one->wake();
            woke = true;
        });
        while (i % 3 == 0 && !woke) std::this_thread::yield();
        context->restart();
        if (i % 3 != 0) context->poll();
        wakes.join();  // a reserve's own end waits for who is about to wake it
        context.reset();
        EXPECT_EQ(b.alive, 0);
    }
}

TEST(sleeping_reserve, woken_by_two_threads_it_takes_one_turn_at_a_time) {
    books b;
    {
        asio::io_context context;
        auto work = asio::make_work_guard(context);
        sleeper* const one = sleeper::begin(context, b, 1'000'000);
        std::vector<std::thread> threads;
        for (int t = 0; t < 2; ++t) threads.emplace_back([&] { context.run(); });
        for (int t = 0; t < 2; ++t) {
            threads.emplace_back([&] {
                const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);  // a crowded machine
                for (int i = 0; i < 2000 || (b.turns < 3 && std::chrono::steady_clock::now() < late); ++i) one->wake();
            });
        }
        threads[2].join();
        threads[3].join();
        context.stop();
        threads[0].join();
        threads[1].join();
    }
    EXPECT_GT(b.turns, 1);
    EXPECT_EQ(b.turns, b.plain_turns);
    EXPECT_EQ(b.alive, 0);
}

}  // namespace
