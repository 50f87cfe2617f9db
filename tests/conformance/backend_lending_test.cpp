// Receives that go on: bytes in lent buffers, what happens when they run out, and when they come back.
#include "conformance/backend_ground.hpp"

#include <sys/socket.h>

#include <cstring>

namespace backend_suite {
namespace {

constexpr backend_options few_buffers{.entries = 64, .buffer_size = 512, .buffer_count = 4};

request& hears_for_good(request& r) {
    r.many = true;
    return r;
}

std::string joined(const request& r) {
    std::string all;
    for (const auto& part : r.heard) all += part;
    return all;
}

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
        const auto n = ::send(pair.there.fd(), sent.data() + at, sent.size() - at, MSG_DONTWAIT);
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
    EXPECT_EQ(end_of(r), -ECONNRESET);
}

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
    EXPECT_EQ(std::memcmp(kept.data, "keep this", kept.size), 0);
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
            EXPECT_NE(r.flags & MSG_TRUNC, 0);
        } else {
            EXPECT_EQ(c.result, longest);
            EXPECT_EQ(r.flags & MSG_TRUNC, 0);
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
        ::send(loud.there.fd(), much.data(), much.size(), MSG_DONTWAIT);
        if (i == 20) said = say(calm.there, "hello");
        engine().look();
        completion c;
        for (int n = 0; n < 1000 && fetch(c); ++n) continue;
    }
    EXPECT_TRUE(said);
    EXPECT_EQ(word.received(), "hello");
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
