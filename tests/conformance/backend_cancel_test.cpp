// Ending one operation early: it ends once, with what was there first.
#include "conformance/backend_ending.hpp"

namespace backend_suite {
namespace {

TEST_P(backend_ending, every_verb_can_be_cancelled) {
    stuck_operations o(3);
    start_all(o);
    EXPECT_EQ(settle(), 0) << "none of them can end by itself";
    o.each([&](request& r) {
        engine().cancel(r);
        engine().cancel(r);  // twice is once
    });
    expect_all_aborted(o, 1);
}

TEST_P(backend_ending, every_verb_can_be_cancelled_before_it_was_handed_to_the_system) {
    stuck_operations o(3);
    start_all(o);
    o.each([&](request& r) { engine().cancel(r); });
    expect_all_aborted(o, 1);
}

TEST_P(backend_ending, every_verb_can_be_cancelled_and_started_again_many_times) {
    stuck_operations o(1);
    o.connecting.clear();  // the system goes on connecting, and says so to whoever asks again
    start_all(o);
    for (int i = 0; i < 30; ++i) {
        if (i % 2 == 0) settle(0ms);
        o.each([&](request& r) { engine().cancel(r); });
        ASSERT_TRUE(run_until([&] { return under_way_.empty(); }));
        o.each([&](request& r) { start(r, *r.socket); });
    }
    o.each([&](request& r) { engine().cancel(r); });
    expect_all_aborted(o, 31);
}

TEST_P(backend_ending, cancel_of_one_leaves_the_others_of_its_socket_alone) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    std::deque<request> all;
    for (int i = 0; i < 9; ++i) start(all.emplace_back(verb::receive, 1), a);
    settle(1ms);
    for (std::size_t i = 0; i < 9; i += 3) engine().cancel(all[i]);
    for (std::size_t i = 0; i < 9; i += 3) EXPECT_EQ(end_of(all[i]), aborted_result());
    ASSERT_TRUE(say(pair.there, "abcdef"));
    std::string heard;
    for (const std::size_t i : {1, 2, 4, 5, 7, 8}) {
        EXPECT_EQ(end_of(all[i]), 1);
        heard += all[i].memory;
    }
    EXPECT_EQ(heard, "abcdef");
}

TEST_P(backend_ending, cancel_of_the_accept_in_front_lets_the_next_one_have_the_client) {
    const auto door = listener();
    auto& a = attach(door);
    request first(verb::accept), second(verb::accept);
    first.many = true;
    start(first, a), start(second, a);
    settle(1ms);
    const auto client = connected_to(local_address(door));
    engine().look();
    engine().cancel(first);
    ASSERT_TRUE(run_until([&] { return first.ended(); }));
    const auto another = connected_to(local_address(door));
    const descriptor accepted(end_of(second));
    EXPECT_GE(accepted.fd(), 0);
    for (const int fd : first.all) {
        if (fd >= 0) descriptor{fd};
    }
}

TEST_P(backend_ending, cancel_has_no_effect_on_what_is_not_under_way) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    request never(verb::receive, 5), done(verb::writable);
    never.socket = &a;
    engine().cancel(never);
    start(done, a);
    EXPECT_EQ(end_of(done), 0);
    engine().cancel(done);
    EXPECT_EQ(settle(5ms), 0);
    start(done, a);
    EXPECT_EQ(end_of(done), 0) << "the cancel did not wait for it";
}

TEST_P(backend_ending, a_result_that_was_there_first_wins) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    for (int i = 0; i < 50; ++i) {
        request r(verb::receive, 4);
        ASSERT_TRUE(say(pair.there, "ping"));
        start(r, a);
        if (i % 2 == 0) engine().look();
        engine().cancel(r);
        const int result = end_of(r);
        if (result == aborted_result()) {
            EXPECT_EQ(hear(pair.here), "ping") << "what was not delivered is still there";
        } else {
            EXPECT_EQ(result, 4);
            EXPECT_EQ(r.received(), "ping");
        }
    }
}

TEST_P(backend_ending, no_byte_is_lost_or_doubled_when_cancel_races_with_the_peer) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    std::string sent, heard;
    request r(verb::receive, 100), lends(verb::receive);
    lends.many = true;
    for (int i = 0; i < 400; ++i) {
        request& one = i % 3 == 0 ? lends : r;
        lends.heard.clear();
        start(one, a);
        if (i % 2 == 0) engine().look();
        const std::string words = std::to_string(i) + ';';
        ASSERT_TRUE(say(pair.there, words));
        sent += words;
        if (i % 5 == 0) engine().look();
        engine().cancel(one);
        end_of(one);
        if (one.many) {
            for (const auto& part : lends.heard) heard += part;
        } else if (one.last > 0) {
            heard += one.received();
        }
    }
    if (heard.size() < sent.size()) heard += hear_all(pair.here, sent.size() - heard.size());
    EXPECT_EQ(heard, sent);
}

INSTANTIATE_TEST_SUITE_P(, backend_ending, testing::ValuesIn(every_backend()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace backend_suite
