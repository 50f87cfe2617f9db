// A loop of somebody else's waits for a backend: the handle says when there is something to do, and else it is quiet.
#include "conformance/backend_ending.hpp"

#include <atomic>
#include <thread>

namespace backend_suite {
namespace {

class backend_handle : public backend_ending {
protected:
    void SetUp() override {
        backend_ending::SetUp();
        if (IsSkipped()) return;
        std::error_code ec;
        handle_ = static_cast<int>(engine().wait_handle(ec));
        if (ec.value() == number::not_supported) GTEST_SKIP() << "no handle: " << ec.message();
        ASSERT_FALSE(ec) << ec.message();
        look_and_fetch();
    }
    bool is_readable(std::chrono::milliseconds limit = 0ms) {
        return becomes_readable(handle_, limit);
    }
    /// A visit by the other loop: what is there is fetched, and then the owner rests.
    int look_and_fetch() {
        int count = 0;
        for (completion c;;) {
            engine().look();
            if (!fetch(c)) break;
            do ++count;
            while (fetch(c));
        }
        engine().rest();
        return count;
    }
    /// Being readable without a cause comes to an end after a few looks, which bring nothing.
    bool falls_silent() {
        for (int i = 0; i < 10; ++i) {
            if (!is_readable(40ms)) return true;
            EXPECT_EQ(look_and_fetch(), 0);
        }
        return false;
    }
    /// As a loop of somebody else's does it, without a look unless the handle asks for it.
    int end_by_handle(request& r) {
        look_and_fetch();  // hands it over
        while (!r.ended() && is_readable(5s)) look_and_fetch();
        EXPECT_TRUE(r.ended()) << "the handle does not say so";
        return r.last;
    }
    int handle_ = -1;
};

TEST_P(backend_handle, it_is_the_same_each_time_and_quiet_while_nothing_happens) {
    std::error_code ec;
    EXPECT_EQ(engine().wait_handle(ec), handle_);
    const auto pair = connected_pair();
    request r(verb::receive, 4);
    start(r, attach(pair.here));
    look_and_fetch();
    EXPECT_TRUE(falls_silent());
    ASSERT_TRUE(say(pair.there, "ping"));
    EXPECT_EQ(end_by_handle(r), 4);
    EXPECT_TRUE(falls_silent()) << "a result that was fetched is no cause any more";
}

TEST_P(backend_handle, it_stays_readable_until_somebody_looks) {
    const auto pair = connected_pair();
    request r(verb::receive, 4);
    start(r, attach(pair.here));
    look_and_fetch();
    ASSERT_TRUE(say(pair.there, "ping"));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(is_readable(1s));
    EXPECT_EQ(look_and_fetch(), 1);
}

TEST_P(backend_handle, a_wake_from_another_thread_makes_it_readable_each_time) {
    for (int i = 0; i < 5; ++i) {
        std::thread([&] {
            engine().wake();
            engine().wake();
        }).join();
        EXPECT_TRUE(is_readable(1s)) << i;
        look_and_fetch();
        EXPECT_TRUE(falls_silent()) << i;
    }
}

TEST_P(backend_handle, operations_of_every_verb_end_by_it) {
    const auto pair = connected_pair();
    const auto listening = listener();
    const auto here = datagram_socket(), there = datagram_socket();
    auto& stream = attach(pair.here);
    auto& door = attach(listening);
    auto& datagrams = attach(here, true);
    request can_write(verb::writable), can_read(verb::readable), accepting(verb::accept), many(verb::accept);
    request connecting(verb::connect), datagram(verb::receive, 100), sending(verb::send, 8 << 20, 'x');
    many.many = true;
    const auto fresh = new_stream();
    start(can_write, stream);
    EXPECT_EQ(end_by_handle(can_write), 0);
    start(can_read, stream);
    start(datagram, datagrams);
    start(accepting, door);
    look_and_fetch();
    EXPECT_TRUE(falls_silent());
    ASSERT_TRUE(say(pair.there, "x"));
    EXPECT_EQ(end_by_handle(can_read), 0);
    ASSERT_TRUE(say_to(there, "hello", local_address(here)));
    EXPECT_EQ(end_by_handle(datagram), 5);
    start(connecting.to(local_address(listening)), attach(fresh));
    EXPECT_EQ(end_by_handle(connecting), 0);
    const descriptor first(end_by_handle(accepting));
    EXPECT_GE(first.fd(), 0);
    start(many, door);
    look_and_fetch();
    for (int i = 1; i <= 3; ++i) {
        const auto client = connected_to(local_address(listening));
        while (many.results < i && is_readable(5s)) look_and_fetch();
        ASSERT_EQ(many.results, i);
        const descriptor accepted(many.last);
    }
    start(sending, stream);
    std::string got;
    std::thread reader([&] { got = hear_all(pair.there, 8 << 20); });
    look_and_fetch();
    while (!sending.ended() && sending.last != 0 && is_readable(5s)) look_and_fetch();
    EXPECT_GT(sending.last, 0);
    engine().quiet(stream);
    end_both_ways(pair.here);
    reader.join();
    EXPECT_EQ(got.size(), static_cast<std::size_t>(sending.last));
}

TEST_P(backend_handle, no_result_is_missed_however_it_falls) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    constexpr int rounds = 2000;
    std::atomic<int> fetched{0};
    std::thread partner([&] {
        for (int i = 0; i < rounds; ++i) {
            while (fetched.load() < i - 1) std::this_thread::yield();
            if (i % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i % 60));
            if (!say(pair.there, "1")) return;
        }
    });
    request r(verb::receive, 1);
    for (int i = 0; i < rounds; ++i) {
        start(r, a);
        const int result = end_by_handle(r);
        fetched = result == 1 ? i + 1 : rounds;
        if (result != 1) break;
    }
    EXPECT_EQ(fetched, rounds);
    partner.join();
}

TEST_P(backend_handle, it_serves_on_after_another_thread_was_the_owner) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    for (int i = 0; i < 10; ++i) {
        request r(verb::receive, 1);
        start(r, a);
        look_and_fetch();
        std::thread([&] { look_and_fetch(); }).join();
        ASSERT_TRUE(say(pair.there, "1"));
        EXPECT_EQ(end_by_handle(r), 1) << "though the other thread was the last to look";
    }
}

INSTANTIATE_TEST_SUITE_P(, backend_handle, testing::ValuesIn(every_backend()),
                         [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace backend_suite
