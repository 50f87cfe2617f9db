// Sleeping and waking: how long a wait lasts, and that no wake is lost.
#include "conformance/backend_ground.hpp"

#include <atomic>
#include <thread>

namespace backend_suite {
namespace {

using clock = backend::clock;
constexpr auto for_ever = clock::time_point::max();

TEST_P(backend_contract, a_wait_with_nothing_to_come_ends_at_its_time_and_not_before) {
    engine().look();
    for (const auto length : {0ms, 1ms, 20ms, 60ms}) {
        const auto begin = clock::now();
        engine().wait(begin + length);
        EXPECT_GE(clock::now(), begin + length);
        EXPECT_LT(since(begin), length + 500ms);
    }
    const auto begin = clock::now();
    engine().wait(begin + 1300ms);
    EXPECT_GE(since(begin), 1300ms) << "also after more than a second";
}

TEST_P(backend_contract, a_time_that_is_past_does_not_sleep_and_neither_does_look) {
    const auto begin = clock::now();
    for (int i = 0; i < 100; ++i) {
        engine().look();
        engine().wait(clock::time_point::min());
        engine().wait(begin);
    }
    EXPECT_LT(since(begin), 500ms);
}

TEST_P(backend_contract, a_look_finds_what_is_there) {
    const auto pair = connected_pair();
    request r(verb::receive, 4);
    start(r, attach(pair.here));
    engine().look();
    ASSERT_TRUE(say(pair.there, "ping"));
    completion c;
    for (int i = 0; i < 1000 && !fetch(c); ++i) engine().look();
    EXPECT_EQ(r.last, 4);
}

TEST_P(backend_contract, a_wait_ends_when_a_result_is_there) {
    const auto pair = connected_pair();
    request r(verb::receive, 4);
    start(r, attach(pair.here));
    std::thread later([&] {
        std::this_thread::sleep_for(30ms);
        EXPECT_TRUE(say(pair.there, "ping"));
    });
    completion c;
    while (!fetch(c)) engine().wait(for_ever);
    EXPECT_EQ(r.last, 4);
    later.join();
}

TEST_P(backend_contract, a_wait_does_not_sleep_while_results_are_there) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    std::deque<request> all;
    for (int i = 0; i < 10; ++i) start(all.emplace_back(verb::writable), a);
    completion c;
    const auto begin = clock::now();
    for (int i = 0; i < 10; ++i) {
        while (!fetch(c)) engine().wait(for_ever);
        if (i < 9) engine().wait(begin + 10s);
    }
    EXPECT_LT(since(begin), 1s);
}

TEST_P(backend_contract, what_was_cancelled_ends_a_wait) {
    const auto pair = connected_pair();
    request r(verb::receive, 4);
    start(r, attach(pair.here));
    engine().look();
    engine().cancel(r);
    completion c;
    while (!fetch(c)) engine().wait(for_ever);
    EXPECT_EQ(r.last, aborted_result());
}

TEST_P(backend_contract, a_wake_between_two_waits_ends_the_next) {
    for (int i = 0; i < 100; ++i) {
        engine().wake();
        if (i % 3 == 0) engine().wake(), engine().wake();
        engine().wait(for_ever);
    }
    const auto begin = clock::now();
    engine().wait(begin + 20ms);
    EXPECT_GE(since(begin), 20ms) << "and no other";
}

TEST_P(backend_contract, a_wake_from_another_thread_ends_a_wait) {
    for (int i = 0; i < 20; ++i) {
        std::thread later([&] {
            std::this_thread::sleep_for(2ms);
            engine().wake();
        });
        engine().wait(for_ever);
        later.join();
    }
}

TEST_P(backend_contract, no_wake_is_lost_and_what_was_written_before_it_is_seen) {
    constexpr int count = 20000;
    std::atomic<int> announced{0};
    std::thread other([&] {
        for (int i = 1; i <= count; ++i) {
            announced.store(i, std::memory_order_relaxed);
            engine().wake();
            if (i % 16 == 0) std::this_thread::yield();
        }
    });
    int seen = 0;
    while (seen < count) {
        const auto begin = clock::now();
        engine().wait(begin + 10s);
        const int now = announced.load(std::memory_order_relaxed);
        ASSERT_FALSE(now == seen && since(begin) > 9s) << "asleep at " << seen;
        seen = now;
    }
    other.join();
}

TEST_P(backend_contract, two_threads_that_wake_each_other_never_stop) {
    std::string reason;
    auto second = GetParam().make({}, reason);
    ASSERT_NE(second, nullptr) << reason;
    std::atomic<int> turn{0};
    constexpr int rounds = 5000;
    const auto play = [&](backend& mine, backend& others, int parity) {
        const auto begin = clock::now();
        for (;;) {
            const int now = turn.load(std::memory_order_relaxed);
            if (now >= rounds || since(begin) > 60s) break;
            if (now % 2 == parity) {
                turn.store(now + 1, std::memory_order_relaxed);
                others.wake();
            } else {
                mine.wait(clock::now() + 10s);
            }
        }
        others.wake();
    };
    const auto begin = clock::now();
    std::thread other([&] { play(*second, engine(), 1); });
    play(engine(), *second, 0);
    other.join();
    EXPECT_EQ(turn.load(), rounds);
    EXPECT_LT(since(begin), 9s) << "somebody slept through a wake";
}

TEST_P(backend_contract, wakes_come_through_while_operations_end) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    std::atomic<bool> stop{false};
    std::atomic<int> wakes{0};
    std::thread other([&] {
        while (!stop) {
            engine().wake();
            ++wakes;
            std::this_thread::yield();
        }
    });
    request s(verb::send, 1, 'x'), r(verb::receive, 1);
    for (int i = 0; i < 2000; ++i) {
        start(s, a);
        EXPECT_EQ(end_of(s), 1);
        EXPECT_TRUE(hear(pair.there, 1) == "x" && say(pair.there, "y"));
        start(r, a);
        EXPECT_EQ(end_of(r), 1);
    }
    stop = true;
    other.join();
    EXPECT_GT(wakes, 0);
}

TEST_P(backend_contract, a_wake_is_not_swallowed_by_quiet) {
    const auto pair = connected_pair();
    for (int i = 0; i < 50; ++i) {
        request r(verb::receive, 4);
        auto& a = attach(pair.here);
        start(r, a);
        engine().look();
        engine().wake();
        engine().quiet(a);
        completion c;
        while (fetch(c)) continue;
        engine().wait(for_ever);
        detach(a);
    }
}

}  // namespace
}  // namespace backend_suite
