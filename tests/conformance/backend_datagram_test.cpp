// Datagrams: where they come from and go to, how long they are, and that each is one.
#include "backend/asio/system_words.hpp"
#include "conformance/backend_ground.hpp"

namespace backend_suite {
namespace {

TEST_P(backend_contract, a_datagram_comes_with_its_source_and_goes_where_it_is_sent) {
    for (const int family : {AF_INET, AF_INET6}) {
        const auto mine = datagram_socket(family), other = datagram_socket(family);
        if (mine.fd() == -1) continue;  // no IPv6 here
        auto& a = attach(mine.fd(), true, family == AF_INET6);
        request r(verb::receive, 100);
        r.with_source();
        start(r, a);
        ASSERT_TRUE(say_to(other, "question", local_address(mine)));
        ASSERT_EQ(end_of(r), 8);
        EXPECT_EQ(r.received(), "question");
        EXPECT_EQ(r.address_size, local_address(other).size);
        EXPECT_EQ(r.source().text(), local_address(other).text());
        request s(verb::send, 6, '!');
        s.to(r.source());
        start(s, a);
        EXPECT_EQ(end_of(s), 6);
        EXPECT_EQ(hear(other), "!!!!!!");
    }
}

TEST_P(backend_contract, a_connected_socket_needs_no_address) {
    const auto other = datagram_socket();
    const auto mine = datagram_socket();
    auto& a = attach(mine, true);
    request c(verb::connect), s(verb::send, 3, 'u'), r(verb::receive, 10);
    c.to(local_address(other));
    start(c, a);
    ASSERT_EQ(end_of(c), 0);
    start(s, a), start(r, a);
    EXPECT_EQ(end_of(s), 3);
    EXPECT_EQ(hear(other), "uuu");
    ASSERT_TRUE(say_to(other, "back", local_address(mine)));
    EXPECT_EQ(end_of(r), 4);
}

TEST_P(backend_contract, a_datagram_that_is_cut_short_says_so) {
    const auto mine = datagram_socket(), other = datagram_socket();
    auto& a = attach(mine, true);
    for (const bool with_source : {false, true}) {
        request cut(verb::receive, 4, '-'), whole(verb::receive, 8, '-');
        if (with_source) cut.with_source(), whole.with_source();
        start(cut, a), start(whole, a);
        ASSERT_TRUE(say_to(other, "12345678", local_address(mine)));
        ASSERT_TRUE(say_to(other, "12345678", local_address(mine)));
        EXPECT_EQ(end_of(cut), 4);
        EXPECT_EQ(cut.memory, "1234");
        EXPECT_NE(cut.came_with & MSG_TRUNC, 0);
        EXPECT_EQ(end_of(whole), 8);
        EXPECT_EQ(whole.came_with & MSG_TRUNC, 0) << "it fitted, to the byte";
    }
}

TEST_P(backend_contract, the_rest_of_a_datagram_goes_into_the_next_part) {
    const auto mine = datagram_socket(), other = datagram_socket();
    request r(verb::receive, 6, '-');
    r.pieces = {{r.memory.data() + 4, 2}, {r.memory.data(), 4}};
    r.parts = r.pieces.data(), r.part_count = 2;
    start(r, attach(mine, true));
    ASSERT_TRUE(say_to(other, "abcdefghi", local_address(mine)));
    EXPECT_EQ(end_of(r), 6);
    EXPECT_EQ(r.memory, "cdefab");
    EXPECT_NE(r.came_with & MSG_TRUNC, 0);
}

TEST_P(backend_contract, with_the_flag_for_it_the_result_is_the_whole_size) {
    if (berth::detail::ask_for_whole_size == 0) GTEST_SKIP() << "this system has no such flag";
    const auto mine = datagram_socket(), other = datagram_socket();
    request r(verb::receive, 4);
    r.asked_flags = berth::detail::ask_for_whole_size | MSG_PEEK;
    auto& a = attach(mine, true);
    ASSERT_TRUE(say_to(other, "12345678", local_address(mine)));
    start(r, a);
    EXPECT_EQ(end_of(r), 8);
    EXPECT_NE(r.came_with & MSG_TRUNC, 0);
}

TEST_P(backend_contract, a_datagram_of_no_bytes_is_one) {
    const auto mine = datagram_socket(), other = datagram_socket();
    auto& a = attach(mine, true);
    request r(verb::receive, 10), after(verb::receive, 10), s(verb::send, 0);
    r.with_source();
    start(r, a), start(after, a);
    ASSERT_TRUE(say_to(other, "", local_address(mine)));
    EXPECT_EQ(end_of(r), 0);
    EXPECT_EQ(r.source().text(), local_address(other).text());
    EXPECT_EQ(settle(), 0) << "and only one";
    s.to(local_address(other));
    start(s, a);
    EXPECT_EQ(end_of(s), 0);
    EXPECT_EQ(hear(other), "");
}

TEST_P(backend_contract, datagrams_are_received_in_the_order_of_the_starts) {
    const auto mine = datagram_socket(), other = datagram_socket();
    auto& a = attach(mine, true);
    std::deque<request> all;
    for (int i = 0; i < 100; ++i) start(all.emplace_back(verb::receive, 10), a);
    settle(5ms);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(say_to(other, std::to_string(i), local_address(mine)));
    ASSERT_TRUE(run_until([&] { return under_way_.empty(); }));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(all[std::size_t(i)].received(), std::to_string(i));
}

TEST_P(backend_contract, datagrams_are_sent_in_the_order_of_the_starts) {
    const auto mine = datagram_socket(), other = datagram_socket();
    auto& a = attach(mine, true);
    std::deque<request> all;
    for (int i = 0; i < 100; ++i) {
        start(all.emplace_back(verb::send, 1, static_cast<char>(i)).to(local_address(other)), a);
    }
    ASSERT_TRUE(run_until([&] { return under_way_.empty(); }));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(hear(other), std::string(1, static_cast<char>(i)));
}

TEST_P(backend_contract, a_datagram_that_is_too_long_to_be_sent_is_an_error) {
    const auto mine = datagram_socket();
    request s(verb::send, 70000);
    s.to(local_address(mine));
    start(s, attach(mine, true));
    EXPECT_EQ(end_of(s), -number::message_size);
}

TEST_P(backend_contract, a_datagram_of_very_many_parts_is_whole_or_an_error) {
    const auto mine = datagram_socket(), other = datagram_socket();
    request s(verb::send, 100, 'p');
    for (std::size_t i = 0; i < 100; ++i) s.pieces.push_back({s.memory.data() + i, 1});
    s.parts = s.pieces.data(), s.part_count = 100;
    s.to(local_address(other));
    start(s, attach(mine, true));
    const int result = end_of(s);
    if (result == 100) {
        EXPECT_EQ(hear(other), s.memory);
    } else {
        EXPECT_EQ(result, -number::message_size);
    }
}

TEST_P(backend_contract, a_refusal_by_the_other_side_ends_a_receive) {
    if (lacks::refused_datagrams != nullptr) GTEST_SKIP() << lacks::refused_datagrams;
    const auto mine = datagram_socket();
    auto& a = attach(mine, true);
    request c(verb::connect), r(verb::receive, 10), s(verb::send, 1);
    c.to(nobodys_address(SOCK_DGRAM));
    start(c, a);
    ASSERT_EQ(end_of(c), 0);
    start(r, a);
    settle(5ms);
    start(s, a);
    EXPECT_EQ(end_of(r), -number::datagram_refused);
    EXPECT_EQ(end_of(s), 1);
}

TEST_P(backend_contract, an_error_of_the_socket_ends_a_wait_for_it) {
    if (lacks::refused_datagrams != nullptr) GTEST_SKIP() << lacks::refused_datagrams;
    const auto mine = datagram_socket();
    auto& a = attach(mine, true);
    request c(verb::connect), e(verb::error), s(verb::send, 1);
    c.to(nobodys_address(SOCK_DGRAM));
    start(c, a);
    ASSERT_EQ(end_of(c), 0);
    start(e, a);
    EXPECT_EQ(settle(), 0);
    start(s, a);
    EXPECT_EQ(end_of(e), 0);
}

TEST_P(backend_contract, a_datagram_socket_accepts_nobody) {
    const auto mine = datagram_socket();
    request r(verb::accept);
    start(r, attach(mine, true));
    EXPECT_EQ(end_of(r), -number::not_supported);
}

}  // namespace
}  // namespace backend_suite
