// Ending all operations of a socket: each once, all aborted, and the socket is the caller's again.
#include "conformance/backend_ending.hpp"

namespace backend_suite {
namespace {

TEST_P(backend_ending, quiet_ends_everything_that_is_under_way) {
    stuck_operations o(20);
    start_all(o);
    settle(5ms);
    for (auto* a : at_) engine().quiet(*a);
    expect_all_aborted(o, 1);
    for (auto* a : at_) EXPECT_EQ(a->first, nullptr);
    take_down();
    EXPECT_TRUE(is_open(o.pair.here.fd()) && is_open(o.door.fd()) && is_open(o.datagrams.fd()));
}

TEST_P(backend_ending, quiet_ends_what_was_not_yet_handed_to_the_system_and_what_was_cancelled) {
    stuck_operations o(2);
    start_all(o);
    int i = 0;
    o.each([&](request& r) {
        if (++i % 2 == 0) engine().cancel(r);
    });
    for (auto* a : at_) engine().quiet(*a);
    o.each([&](request& r) { engine().cancel(r); });
    for (auto* a : at_) engine().quiet(*a);  // twice is once
    expect_all_aborted(o, 1);
}

TEST_P(backend_ending, after_quiet_a_socket_works_as_before) {
    stuck_operations o(1);
    start_all(o);
    settle(1ms);
    for (auto* a : at_) engine().quiet(*a);
    o.each([&](request& r) { EXPECT_FALSE(r.ended()) << "its result was not fetched yet"; });
    expect_all_aborted(o, 1);
    request r(verb::receive, 10);
    start(r, *at_[0]);
    ASSERT_TRUE(say(o.pair.there, "again"));
    EXPECT_EQ(end_of(r), 5);
    request s(verb::accept);
    start(s, *at_[1]);
    const auto client = connected_to(local_address(o.door));
    const descriptor accepted(end_of(s));
    EXPECT_GE(accepted.fd(), 0);
}

TEST_P(backend_ending, quiet_drops_the_bytes_that_were_taken_for_an_operation) {
    for (const int looks : {0, 3}) {
        const auto pair = connected_pair();
        auto& a = attach(pair.here);
        ASSERT_TRUE(say(pair.there, "dropped"));
        ASSERT_TRUE(becomes_readable(pair.here.fd(), 5000ms));
        request r(verb::receive, 10), w(verb::writable);
        start(r, a), start(w, a);
        for (int i = 0; i < looks; ++i) engine().look();
        engine().quiet(a);
        EXPECT_EQ(end_of(r), aborted_result()) << "looked " << looks << " times";
        EXPECT_EQ(end_of(w), aborted_result());
        detach(a);
    }
}

TEST_P(backend_ending, quiet_drops_the_clients_that_were_taken_for_an_operation) {
    for (const bool many : {false, true}) {
        auto door = listener();
        auto& a = attach(door);
        request r(verb::accept);
        r.many = many;
        start(r, a);
        engine().look();
        const auto client = connected_to(local_address(door));
        for (int i = 0; i < 3; ++i) engine().look();
        engine().quiet(a);
        EXPECT_EQ(end_of(r), aborted_result());
        EXPECT_EQ(r.results, 1);
        detach(a);
        door.close();  // whoever was left in the queue goes with it
        EXPECT_EQ(hear(client), "") << "nobody holds the other end";
    }
}

TEST_P(backend_ending, after_quiet_the_memory_of_its_operations_is_not_touched) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    std::deque<request> all;
    for (int i = 0; i < 10; ++i) start(all.emplace_back(verb::receive, 10, '-'), a);
    settle(1ms);
    engine().quiet(a);
    ASSERT_TRUE(say(pair.there, std::string(100, 'x')));
    settle(5ms);
    for (const auto& r : all) EXPECT_EQ(r.memory, "----------");
    EXPECT_EQ(hear_all(pair.here, 100), std::string(100, 'x'));
}

TEST_P(backend_ending, after_quiet_the_socket_may_be_closed_and_its_number_be_anothers) {
    for (int i = 0; i < 20; ++i) {
        auto pair = connected_pair();
        auto& old = attach(pair.here);
        request r(verb::receive, 10), later(verb::receive, 10);
        start(r, old);
        engine().look();
        engine().quiet(old);
        const int number = pair.here.fd();
        const auto door = listener(1);
        pair.here.close();
        const auto with_the_number = connected_to(local_address(door));
        ASSERT_EQ(with_the_number.fd(), number);
        const auto other = next_client(door);
        auto& a = attach(with_the_number);
        start(later, a);
        EXPECT_EQ(end_of(r), aborted_result());
        detach(old);
        ASSERT_TRUE(say(other, "for the new"));
        EXPECT_EQ(end_of(later), 10);
        detach(a);
    }
}

TEST_P(backend_ending, quiet_of_one_socket_leaves_the_results_of_others_alone) {
    const auto first = connected_pair(), second = connected_pair();
    auto &a = attach(first.here), &b = attach(second.here);
    request r(verb::receive, 4), s(verb::receive, 4), t(verb::writable);
    start(r, a), start(s, b), start(t, b);
    ASSERT_TRUE(say(first.there, "ping") && say(second.there, "pong"));
    for (int i = 0; i < 5; ++i) engine().look();
    engine().quiet(a);
    EXPECT_EQ(end_of(r), aborted_result());
    EXPECT_EQ(end_of(s), 4);
    EXPECT_EQ(end_of(t), 0);
}

}  // namespace
}  // namespace backend_suite
