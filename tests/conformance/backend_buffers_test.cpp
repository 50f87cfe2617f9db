// Lent buffers: what happens when they run out, when they come back, and that no one is lost.
#include "conformance/backend_ground.hpp"

namespace backend_suite {
namespace {

TEST_P(backend_contract, when_all_buffers_are_lent_a_receive_waits_and_goes_on_when_one_comes_back) {
    make(few_buffers);
    returns_at_once_ = false;
    const auto mine = datagram_socket(), other = datagram_socket();
    request r(verb::receive);
    start(hears_for_good(r), attach(mine, true));
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(say_to(other, std::to_string(i), local_address(mine)));
    ASSERT_TRUE(run_until([&] { return r.results == 4; }));
    EXPECT_EQ(settle(), 0) << "it waits, and has not ended";
    EXPECT_EQ(r.ends, 0);
    for (int expected = 5; expected <= 20; ++expected) {
        const auto id = *lent_.begin();
        lent_.erase(lent_.begin());
        engine().return_buffer(id);
        ASSERT_TRUE(run_until([&] { return r.results == expected; }));
        EXPECT_EQ(settle(1ms), 0) << "one for each that came back";
    }
    for (int i = 0; i < 20; ++i) EXPECT_EQ(r.heard[std::size_t(i)], std::to_string(i));
}

TEST_P(backend_contract, a_lent_buffer_is_not_written_until_it_comes_back) {
    make(few_buffers);
    returns_at_once_ = false;
    const auto mine = datagram_socket(), other = datagram_socket();
    request r(verb::receive);
    start(hears_for_good(r), attach(mine, true));
    ASSERT_TRUE(say_to(other, "keep this", local_address(mine)));
    ASSERT_TRUE(run_until([&] { return r.results == 1; }));
    const buffer_part kept = r.lent;
    const auto kept_id = r.lent_id;
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(say_to(other, std::string(200, 'x'), local_address(mine)));
        ASSERT_TRUE(run_until([&] { return r.results == 2 + i; }));
        EXPECT_NE(r.lent_id, kept_id);
        engine().return_buffer(r.lent_id);
        lent_.erase(r.lent_id);
    }
    EXPECT_EQ(std::string(static_cast<const char*>(kept.data), kept.size), "keep this");
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(say_to(other, "x", local_address(mine)));
    EXPECT_TRUE(run_until([&] { return r.results == 104; })) << "the other three came back";
}

TEST_P(backend_contract, idle_sockets_hold_no_buffer) {
    make(few_buffers);
    std::deque<stream_pair> pairs;
    std::deque<request> all;
    for (int i = 0; i < 40; ++i) {
        pairs.push_back(connected_pair());
        start(hears_for_good(all.emplace_back(verb::receive)), attach(pairs.back().here));
    }
    settle(5ms);
    for (std::size_t i = 40; i-- > 0;) {
        ASSERT_TRUE(say(pairs[i].there, "it is me"));
        ASSERT_TRUE(run_until([&] { return joined(all[i]) == "it is me"; }));
    }
}

TEST_P(backend_contract, sockets_that_wait_for_a_buffer_all_get_one_in_the_end) {
    make(few_buffers);
    returns_at_once_ = false;
    std::deque<stream_pair> pairs;
    std::deque<request> all;
    for (int i = 0; i < 30; ++i) {
        pairs.push_back(connected_pair());
        start(hears_for_good(all.emplace_back(verb::receive)), attach(pairs.back().here));
        ASSERT_TRUE(say(pairs.back().there, "mine"));
    }
    for (int rounds = 0; rounds < 100; ++rounds) {
        settle(1ms);
        return_all();
    }
    for (const auto& r : all) EXPECT_EQ(joined(r), "mine");
}

TEST_P(backend_contract, one_that_gives_up_waiting_for_a_buffer_leaves_it_to_the_others) {
    make(few_buffers);
    returns_at_once_ = false;
    std::deque<stream_pair> pairs;
    std::deque<request> all;
    for (int i = 0; i < 12; ++i) {
        pairs.push_back(connected_pair());
        start(hears_for_good(all.emplace_back(verb::receive)), attach(pairs.back().here));
        ASSERT_TRUE(say(pairs.back().there, "x"));
        settle(1ms);
    }
    for (std::size_t i = 4; i < 10; i += 2) engine().cancel(all[i]);
    detach(*attached_[5]);
    for (int rounds = 0; rounds < 50; ++rounds) {
        settle(1ms);
        return_all();
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        const bool gave_up = all[i].ended();
        EXPECT_TRUE(gave_up || joined(all[i]) == "x") << i;
    }
}

TEST_P(backend_contract, a_buffer_that_came_back_for_one_that_gave_up_goes_to_the_next) {
    make(few_buffers);
    returns_at_once_ = false;
    const auto greedy = datagram_socket(), other = datagram_socket();
    request taker(verb::receive);
    start(hears_for_good(taker), attach(greedy, true));
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(say_to(other, "x", local_address(greedy)));
    ASSERT_TRUE(run_until([&] { return taker.results == 4; }));
    engine().cancel(taker);
    end_of(taker);
    const auto first = connected_pair(), second = connected_pair();
    request gives_up(verb::receive), waits(verb::receive);
    start(hears_for_good(gives_up), attach(first.here)), start(hears_for_good(waits), attach(second.here));
    ASSERT_TRUE(say(first.there, "first"));
    settle(2ms);
    ASSERT_TRUE(say(second.there, "second"));
    settle(2ms);
    const auto id = *lent_.begin();
    lent_.erase(lent_.begin());
    engine().return_buffer(id);
    engine().cancel(gives_up);
    ASSERT_TRUE(run_until([&] { return gives_up.ended(); }));
    if (gives_up.heard.empty()) {
        EXPECT_TRUE(run_until([&] { return joined(waits) == "second"; }));
    }
}

TEST_P(backend_contract, buffers_of_results_that_quiet_dropped_are_free_again) {
    make(few_buffers);
    for (int i = 0; i < 20; ++i) {
        const auto mine = datagram_socket(), other = datagram_socket();
        auto& a = attach(mine, true);
        request r(verb::receive);
        start(hears_for_good(r), a);
        engine().look();
        for (int n = 0; n < 4; ++n) ASSERT_TRUE(say_to(other, "dropped", local_address(mine)));
        engine().look();
        engine().look();
        detach(a);
        EXPECT_EQ(r.results, 1);
        EXPECT_EQ(r.last, aborted_result());
    }
    const auto mine = datagram_socket(), other = datagram_socket();
    returns_at_once_ = false;
    request r(verb::receive);
    start(hears_for_good(r), attach(mine, true));
    for (int n = 0; n < 4; ++n) ASSERT_TRUE(say_to(other, "kept", local_address(mine)));
    EXPECT_TRUE(run_until([&] { return r.results == 4; }));
}

TEST_P(backend_contract, a_buffer_may_come_back_after_its_socket_is_gone) {
    make(few_buffers);
    returns_at_once_ = false;
    for (int i = 0; i < 10; ++i) {
        const auto mine = datagram_socket(), other = datagram_socket();
        auto& a = attach(mine, true);
        request r(verb::receive);
        start(hears_for_good(r), a);
        for (int n = 0; n < 4; ++n) ASSERT_TRUE(say_to(other, "x", local_address(mine)));
        ASSERT_TRUE(run_until([&] { return r.results == 4; }));
        detach(a);
        return_all();
    }
}

}  // namespace
}  // namespace backend_suite
