// Streams: receive, send, connect, and the three ways to wait for readiness.
#include "conformance/backend_ground.hpp"

namespace backend_suite {
namespace {

TEST_P(backend_contract, receive_ends_with_the_bytes_that_came) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    request r(verb::receive, 100);
    start(r, a);
    EXPECT_EQ(settle(), 0);
    ASSERT_TRUE(say(pair.there, "a few bytes"));
    EXPECT_EQ(end_of(r), 11);
    EXPECT_EQ(r.received(), "a few bytes");
}

TEST_P(backend_contract, parts_are_filled_and_sent_one_after_the_other) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    request r(verb::receive, 12);
    r.pieces = {{r.memory.data() + 8, 4}, {r.memory.data() + 4, 4}, {r.memory.data(), 4}};
    r.parts = r.pieces.data(), r.part_count = 3;
    start(r, a);
    ASSERT_TRUE(say(pair.there, "oneetwo tree"));
    EXPECT_EQ(end_of(r), 12);
    EXPECT_EQ(r.memory, "treetwo onee");

    request s(verb::send);
    std::string first = "first ", second = "second ", third = "third";
    s.pieces = {{first.data(), 6}, {nullptr, 0}, {second.data(), 7}, {third.data(), 5}};
    s.parts = s.pieces.data(), s.part_count = 4;
    start(s, a);
    EXPECT_EQ(end_of(s), 18);
    EXPECT_EQ(hear_all(pair.there, 18), "first second third");
}

TEST_P(backend_contract, the_end_of_a_stream_is_a_receive_of_0) {
    auto pair = connected_pair();
    auto& a = attach(pair.here);
    request pending(verb::receive, 10), later(verb::receive, 10);
    start(pending, a);
    EXPECT_EQ(settle(), 0);
    pair.there.close();
    EXPECT_EQ(end_of(pending), 0);
    start(later, a);
    EXPECT_EQ(end_of(later), 0);
}

TEST_P(backend_contract, bytes_that_came_before_the_end_are_received_first) {
    auto pair = connected_pair();
    ASSERT_TRUE(say(pair.there, "last words"));
    pair.there.close();
    auto& a = attach(pair.here);
    request first(verb::receive, 100), second(verb::receive, 100);
    start(first, a), start(second, a);
    EXPECT_EQ(end_of(first), 10);
    EXPECT_EQ(end_of(second), 0);
}

TEST_P(backend_contract, receives_take_effect_in_the_order_of_their_starts) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    std::deque<request> all;
    std::string sent;
    for (int i = 0; i < 500; ++i) start(all.emplace_back(verb::receive, 3), a);
    for (int i = 0; i < 500; ++i) sent += std::to_string(100 + i);
    settle(5ms);
    for (std::size_t i = 0; i < sent.size(); i += 300) {
        ASSERT_TRUE(say(pair.there, sent.substr(i, 300)));
        settle(2ms);
    }
    ASSERT_TRUE(run_until([&] { return under_way_.empty(); }));
    std::string heard;
    for (const auto& r : all) heard += r.received();
    EXPECT_EQ(heard, sent);
}

TEST_P(backend_contract, sends_take_effect_in_the_order_of_their_starts_also_when_they_have_to_wait) {
    const auto pair = connected_pair();
    set_send_buffer(pair.here, 4096);
    auto& a = attach(pair.here);
    std::deque<request> all;
    for (int i = 0; i < 400; ++i) start(all.emplace_back(verb::send, 20000, static_cast<char>('a' + i % 26)), a);
    settle(20ms);
    EXPECT_FALSE(under_way_.empty()) << "eight megabytes do not fit";
    std::string heard;
    while (!under_way_.empty()) {
        settle(1ms);
        heard += take_what_is_there(pair.there, 1 << 20);
    }
    std::string sent;
    for (const auto& r : all) {
        ASSERT_GT(r.last, 0);
        sent += r.memory.substr(0, static_cast<std::size_t>(r.last));
    }
    heard += hear_all(pair.there, sent.size() - heard.size());
    EXPECT_TRUE(heard == sent) << "what each says that it sent, in the order of the starts, is what came";
}

TEST_P(backend_contract, message_flags_are_the_systems) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    ASSERT_TRUE(say(pair.there, "look first"));
    request peek(verb::receive, 20), take(verb::receive, 20);
    peek.asked_flags = MSG_PEEK;
    start(peek, a);
    EXPECT_EQ(end_of(peek), 10);
    start(take, a);
    EXPECT_EQ(end_of(take), 10);
    EXPECT_EQ(take.received(), "look first");
}

TEST_P(backend_contract, a_send_into_a_closed_connection_is_a_result_and_no_signal) {
    auto pair = connected_pair();
    auto& a = attach(pair.here);
    pair.there.reset_connection();
    request error(verb::error);
    start(error, a);
    EXPECT_EQ(end_of(error), 0);
    request first(verb::send, 5), second(verb::send, 5);
    start(first, a);
    end_of(first);
    start(second, a);
    EXPECT_EQ(end_of(second), -number::ended);  // the signal's default would have ended the test
}

TEST_P(backend_contract, a_reset_ends_a_receive_that_waits) {
    auto pair = connected_pair();
    auto& a = attach(pair.here);
    request r(verb::receive, 5);
    start(r, a);
    settle(5ms);
    pair.there.reset_connection();
    EXPECT_EQ(end_of(r), -number::connection_reset);
}

TEST_P(backend_contract, a_reset_ends_a_send_that_waits) {
    auto pair = connected_pair();
    auto& a = attach(pair.here);
    std::deque<request> all;
    for (int i = 0; i < 4; ++i) start(all.emplace_back(verb::send, 16 << 20), a);
    settle(20ms);
    EXPECT_FALSE(all.back().ended());
    pair.there.reset_connection();
    EXPECT_TRUE(run_until([&] { return under_way_.empty(); }));
    EXPECT_TRUE(all.back().last == -number::connection_reset || all.back().last == -number::ended) << all.back().last;
}

TEST_P(backend_contract, connect_ends_when_the_connection_is_there) {
    for (const int family : {AF_INET, AF_INET6}) {
        const auto door = listener(10, family);
        if (door.fd() == -1) continue;  // no IPv6 here
        const auto mine = new_stream(family);
        auto& a = attach(mine.fd(), false, family == AF_INET6);
        request c(verb::connect), s(verb::send, 2, 'z');
        c.to(local_address(door));
        start(c, a);
        ASSERT_EQ(end_of(c), 0);
        start(s, a);
        EXPECT_EQ(end_of(s), 2);
        const descriptor other = next_client(door);
        EXPECT_EQ(hear(other), "zz");
    }
}

TEST_P(backend_contract, connect_to_where_nobody_listens_is_refused) {
    const auto mine = new_stream();
    auto& a = attach(mine);
    request c(verb::connect);
    c.to(nobodys_address(SOCK_STREAM));
    start(c, a);
    EXPECT_EQ(end_of(c), -number::connection_refused);
}

TEST_P(backend_contract, connect_of_a_connected_socket_says_so) {
    const auto pair = connected_pair();
    const auto door = listener();
    request c(verb::connect);
    c.to(local_address(door));
    start(c, attach(pair.here));
    EXPECT_EQ(end_of(c), -number::is_connected);
}

TEST_P(backend_contract, readable_ends_when_a_receive_would_not_block) {
    auto pair = connected_pair();
    auto& a = attach(pair.here);
    request waits(verb::readable), at_once(verb::readable), at_the_end(verb::readable);
    start(waits, a);
    EXPECT_EQ(settle(), 0);
    ASSERT_TRUE(say(pair.there, "x"));
    EXPECT_EQ(end_of(waits), 0);
    start(at_once, a);
    EXPECT_EQ(end_of(at_once), 0);
    EXPECT_EQ(hear(pair.here), "x") << "nothing was taken";
    pair.there.close();
    start(at_the_end, a);
    EXPECT_EQ(end_of(at_the_end), 0);
}

TEST_P(backend_contract, writable_ends_when_a_send_would_not_block) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    request at_once(verb::writable), waits(verb::writable), all(verb::send, 64 << 20);
    start(at_once, a);
    EXPECT_EQ(end_of(at_once), 0);
    while (say_what_fits(pair.here, all.memory) > 0) continue;
    start(waits, a);
    EXPECT_EQ(settle(), 0);
    while (!waits.ended()) {
        if (take_what_is_there(pair.there, 1 << 20).empty()) settle(1ms);
        completion c;
        engine().look();
        fetch(c);
    }
    EXPECT_EQ(waits.last, 0);
}

TEST_P(backend_contract, error_ends_when_the_socket_has_one_and_not_for_bytes) {
    auto pair = connected_pair();
    auto& a = attach(pair.here);
    request e(verb::error);
    start(e, a);
    ASSERT_TRUE(say(pair.there, "only bytes"));
    EXPECT_EQ(settle(), 0);
    pair.there.reset_connection();
    EXPECT_EQ(end_of(e), 0);
}

}  // namespace
}  // namespace backend_suite
