// Receives that go on: what they lend, with what beside it, and what ends them.
#include "conformance/backend_ground.hpp"

namespace backend_suite {
namespace {

TEST_P(backend_contract, a_receive_with_many_lends_what_comes_until_it_is_cancelled) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    request r(verb::receive);
    start(hears_for_good(r), a);
    std::string sent;
    for (int i = 0; i < 50; ++i) {
        const std::string words = "words " + std::to_string(i) + ' ';
        ASSERT_TRUE(say(pair.there, words));
        sent += words;
        ASSERT_TRUE(run_until([&] { return joined(r).size() == sent.size(); }));
    }
    EXPECT_EQ(joined(r), sent);
    EXPECT_EQ(r.ends, 0);
    engine().cancel(r);
    EXPECT_EQ(end_of(r), aborted_result());
    EXPECT_EQ(r.lent.data, nullptr) << "nothing is lent with the end";
}

TEST_P(backend_contract, a_long_stream_comes_whole_and_in_order_through_few_buffers) {
    make(few_buffers);
    const auto pair = connected_pair();
    request r(verb::receive);
    start(hears_for_good(r), attach(pair.here));
    std::string sent(300000, '\0');
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>((i * i) >> 7);
    for (std::size_t at = 0; at < sent.size();) {
        const auto n = say_what_fits(pair.there, sent, at);
        if (n > 0) at += static_cast<std::size_t>(n);
        settle(0ms);
    }
    ASSERT_TRUE(run_until([&] { return joined(r).size() == sent.size(); }));
    EXPECT_TRUE(joined(r) == sent);
    for (const auto& part : r.heard) EXPECT_LE(part.size(), few_buffers.buffer_size);
}

TEST_P(backend_contract, the_end_of_a_stream_ends_a_lending_receive_with_0) {
    auto pair = connected_pair();
    request r(verb::receive);
    start(hears_for_good(r), attach(pair.here));
    ASSERT_TRUE(say(pair.there, "bye"));
    pair.there.close();
    EXPECT_EQ(end_of(r), 0);
    EXPECT_EQ(joined(r), "bye");
}

TEST_P(backend_contract, an_error_ends_a_lending_receive) {
    auto pair = connected_pair();
    request r(verb::receive);
    start(hears_for_good(r), attach(pair.here));
    settle(5ms);
    pair.there.reset_connection();
    EXPECT_EQ(end_of(r), -number::connection_reset);
}

TEST_P(backend_contract, lent_datagrams_come_with_source_and_length_of_each) {
    make(few_buffers);
    const auto mine = datagram_socket();
    const auto first = datagram_socket(), second = datagram_socket(AF_INET);
    request r(verb::receive);
    r.with_source();
    start(hears_for_good(r), attach(mine, true));
    ASSERT_TRUE(say_to(first, "a", local_address(mine)));
    ASSERT_TRUE(say_to(second, std::string(few_buffers.buffer_size + 10, 'b'), local_address(mine)));
    ASSERT_TRUE(say_to(first, "", local_address(mine)));
    ASSERT_TRUE(say_to(second, "dd", local_address(mine)));
    const std::string expected_source[] = {local_address(first).text(), local_address(second).text(),
                                           local_address(first).text(), local_address(second).text()};
    std::size_t i = 0;
    for (const int longest : {1, int(few_buffers.buffer_size), 0, 2}) {
        const auto c = expect_result();
        EXPECT_TRUE(c.more);
        EXPECT_EQ(r.source().text(), expected_source[i++]);
        if (i == 2) {
            // A ring keeps the source inside the buffer: fewer bytes may fit, and it says so.
            EXPECT_LE(c.result, longest);
            EXPECT_NE(r.came_with & MSG_TRUNC, 0);
        } else {
            EXPECT_EQ(c.result, longest);
            EXPECT_EQ(r.came_with & MSG_TRUNC, 0);
        }
    }
}

TEST_P(backend_contract, a_flood_through_one_receive_leaves_room_for_the_others) {
    const auto loud = connected_pair(), calm = connected_pair();
    request flood(verb::receive), word(verb::receive, 10);
    start(hears_for_good(flood), attach(loud.here));
    start(word, attach(calm.here));
    const std::string much(1 << 20, 'f');
    bool said = false;
    for (int i = 0; i < 10000 && !word.ended(); ++i) {
        say_what_fits(loud.there, much);
        if (i == 20) said = say(calm.there, "hello");
        engine().look();
        completion c;
        for (int n = 0; n < 1000 && fetch(c); ++n) continue;
    }
    EXPECT_TRUE(said);
    EXPECT_EQ(word.received(), "hello");
}

TEST_P(backend_contract, a_turn_ends_though_each_result_of_it_brings_another) {
    const auto mine = datagram_socket(), other = datagram_socket();
    request r(verb::receive);
    start(hears_for_good(r), attach(mine, true));
    ASSERT_TRUE(say_to(other, "x", local_address(mine)));
    ASSERT_TRUE(run_until([&] { return r.results == 1; }));
    ASSERT_TRUE(say_to(other, "x", local_address(mine)));
    for (int turn = 0; turn < 10; ++turn) {
        engine().wait(backend::clock::now() + 5s);
        completion c;
        int results = 0;
        while (results < 100000 && fetch(c)) {
            ++results;
            r.heard.clear();
            ASSERT_TRUE(say_to(other, "x", local_address(mine)));
        }
        EXPECT_LT(results, 100000);
    }
}

TEST_P(backend_contract, the_fields_of_a_result_are_the_callers_between_two_of_them) {
    const auto door = listener(10, AF_INET), mine = datagram_socket(), other = datagram_socket();
    request accept(verb::accept), receive(verb::receive);
    accept.many = receive.many = true;
    start(accept.with_source(), attach(door)), start(receive.with_source(), attach(mine, true));
    for (int i = 0; i < 5; ++i) {
        const auto client = connected_to(local_address(door));
        const descriptor accepted(expect_result().result);
        EXPECT_EQ(accept.source().text(), local_address(client).text());
        ASSERT_TRUE(say_to(other, "ping", local_address(mine)));
        EXPECT_EQ(expect_result().result, 4);
        EXPECT_EQ(receive.source().text(), local_address(other).text());
        accept.address_size = receive.address_size = 0;
        accept.at = receive.at = {};
        receive.came_with = MSG_PEEK, receive.control_size = 99;
    }
    EXPECT_EQ(settle(5ms), 0);
}

}  // namespace
}  // namespace backend_suite
