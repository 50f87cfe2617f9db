// The document of the acquire operation, sentence by sentence: tests/LEDGER.md, rows A.
//
// What may be asked for, what the answer is, and what the kernel says of the ports while and after it is so.
#include <berth/capabilities.hpp>

#include <gtest/gtest.h>

#include "documents_calls.hpp"

using namespace documents;

namespace {

void expect_disjoint(const berth::port_block& a, const berth::port_block& b) {
    EXPECT_FALSE(berth::overlap(a, b)) << a.first << '+' << a.count << " and " << b.first << '+' << b.count;
}

}  // namespace

TEST(documents_acquire, reserves_a_block_of_tcp_ports) {
    const auto socket = tcp4();
    const auto got = acquire(socket, 4);
    ASSERT_FALSE(got.why) << got.why.what;
    EXPECT_TRUE(all_held(SOCK_STREAM, got.block.first, 4));
    EXPECT_TRUE(all_free(SOCK_DGRAM, got.block.first, 4)) << "UDP was not asked for";
}

TEST(documents_acquire, reserves_a_block_of_udp_ports) {
    const auto socket = udp4();
    const auto got = acquire(socket, 4);
    ASSERT_FALSE(got.why) << got.why.what;
    EXPECT_TRUE(all_held(SOCK_DGRAM, got.block.first, 4));
    EXPECT_TRUE(all_free(SOCK_STREAM, got.block.first, 4)) << "TCP was not asked for";
}

TEST(documents_acquire, first_port_and_count_are_honoured) {
    const auto first = free_block(SOCK_STREAM, 7);
    ASSERT_NE(first, 0);
    const auto socket = tcp4();
    const auto middle = static_cast<std::uint16_t>(first + 1);
    const auto got = acquire(socket, 5, middle);
    ASSERT_FALSE(got.why) << got.why.what;
    EXPECT_EQ(got.block, (berth::port_block{middle, 5}));
    EXPECT_TRUE(all_held(SOCK_STREAM, middle, 5));
    EXPECT_EQ(try_port(SOCK_STREAM, first), 0) << "one port too many below";
    EXPECT_EQ(try_port(SOCK_STREAM, static_cast<std::uint16_t>(first + 6)), 0) << "one port too many above";
}

TEST(documents_acquire, a_wildcard_request_gets_a_block_of_its_size) {
    for (const std::uint32_t count : {1U, 2U, 100U}) {
        const auto socket = udp4();
        const auto got = acquire(socket, count);
        ASSERT_FALSE(got.why) << got.why.what;
        EXPECT_FALSE(got.block.is_wildcard());
        EXPECT_TRUE(got.block.is_valid());
        EXPECT_EQ(got.block.count, count);
        EXPECT_TRUE(all_held(SOCK_DGRAM, got.block.first, count));
    }
}

TEST(documents_acquire, the_answer_is_the_block_and_a_reservation_token) {
    const auto one = udp4();
    const auto other = udp4();
    const auto first = acquire(one, 2);
    const auto second = acquire(other, 2);
    ASSERT_FALSE(first.why || second.why) << first.why.what << second.why.what;
    EXPECT_TRUE(first.token && second.token) << "a token is never zero";
    EXPECT_NE(first.token, second.token);
    EXPECT_NE(first.token.value() + 1, second.token.value()) << "tokens are not counted";
    EXPECT_EQ(first.block.count, 2U);
    expect_disjoint(first.block, second.block);
}

TEST(documents_acquire, ports_are_in_host_byte_order) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    EXPECT_EQ(try_port(SOCK_DGRAM, got.block.first), EADDRINUSE);
    const auto socket = udp4();
    ASSERT_FALSE(associate_and_bind(socket, got.token));
    EXPECT_EQ(socket.port(), got.block.first);
}

TEST(documents_acquire, zero_ports_are_refused) {
    const auto socket = tcp4();
    for (const auto first : std::initializer_list<std::uint16_t>{0, 1, 5000, 65535}) {
        const auto got = acquire(socket, 0, first);
        EXPECT_EQ(got.why.code, errc::invalid_argument) << first;
    }
}

TEST(documents_acquire, a_block_past_port_65535_is_refused) {
    const auto socket = udp4();
    const berth::port_block blocks[] = {{65535, 2}, {65000, 537},     {1, 65536},     {0, 65536}, {2, 65535},
                                        {0, ~0U},   {65535, ~0U - 1}, {40000, 65536}, {1, ~0U}};
    for (const auto& block : blocks) {
        const auto got = acquire(socket, block.count, block.first);
        EXPECT_EQ(got.why.code, errc::invalid_argument) << block.first << '+' << block.count;
    }
}

TEST(documents_acquire, port_65535_itself_can_be_reserved) {
    if (!all_free(SOCK_DGRAM, 65534, 2)) GTEST_SKIP() << "somebody else has port 65534 or 65535";
    for (const std::uint32_t count : {1U, 2U}) {
        const auto acquiring = udp4();
        const auto first = static_cast<std::uint16_t>(65536 - count);
        const auto got = acquire(acquiring, count, first);
        ASSERT_FALSE(got.why) << got.why.what;
        EXPECT_EQ(got.block, (berth::port_block{first, count}));
        EXPECT_TRUE(all_held(SOCK_DGRAM, first, count));
        auto socket = udp4();
        ASSERT_FALSE(associate(socket, got.token));
        ASSERT_FALSE(bind(socket, 65535));
        EXPECT_EQ(socket.port(), 65535);
        ASSERT_FALSE(give_back(socket));
        ASSERT_FALSE(release(acquiring, got.token));
    }
}

TEST(documents_acquire, a_first_port_below_1024_is_a_question_of_privilege_alone) {
    for (std::uint16_t port = 1; port < 1024; ++port) {
        const int kernel_says = try_port(SOCK_STREAM, port);
        if (kernel_says != 0 && kernel_says != EACCES) continue;
        const auto socket = tcp4();
        const auto got = acquire(socket, 1, port);
        EXPECT_EQ(got.why.code, kernel_says == EACCES ? make_error_code(errc::permission_denied) : error_code())
            << port << ": " << got.why.what;
        return;
    }
    GTEST_SKIP() << "every port below 1024 is in use";
}

TEST(documents_acquire, a_block_with_a_port_in_use_is_refused_whole) {
    const auto first = free_block(SOCK_STREAM, 8);
    ASSERT_NE(first, 0);
    const auto squatter = tcp4();
    ASSERT_EQ(bind_plainly(squatter, static_cast<std::uint16_t>(first + 4)), 0);
    const auto socket = tcp4();
    const auto got = acquire(socket, 8, first);
    EXPECT_EQ(got.why.code, errc::block_unavailable);
    EXPECT_TRUE(all_free(SOCK_STREAM, first, 4)) << "half a block stayed held";
    EXPECT_TRUE(all_free(SOCK_STREAM, static_cast<std::uint16_t>(first + 5), 3)) << "half a block stayed held";
}

TEST(documents_acquire, two_reservations_never_overlap) {
    const auto one = udp4();
    const auto other = udp4();
    const auto first = acquire(one, 4);
    ASSERT_FALSE(first.why) << first.why.what;
    const auto last_port = static_cast<std::uint16_t>(first.block.first + 3);
    EXPECT_EQ(acquire(other, 1, last_port).why.code, errc::block_unavailable);
    EXPECT_EQ(acquire(one, 4, first.block.first).why.code, errc::block_unavailable);
    const auto second = acquire(other, 4);
    ASSERT_FALSE(second.why) << second.why.what;
    expect_disjoint(first.block, second.block);
}

TEST(documents_acquire, one_socket_acquires_several_blocks) {
    auto socket = tcp4();
    const acquired got[] = {acquire(socket, 2), acquire(socket, 3), acquire(socket, 4)};
    for (const auto& one : got) ASSERT_FALSE(one.why) << one.why.what;
    expect_disjoint(got[0].block, got[1].block);
    expect_disjoint(got[1].block, got[2].block);
    expect_disjoint(got[0].block, got[2].block);
    for (const auto& one : got) EXPECT_TRUE(all_held(SOCK_STREAM, one.block.first, one.block.count));
    socket.close();
    const auto other = tcp4();
    for (const auto& one : got) {
        EXPECT_EQ(associate(other, one.token), errc::invalid_token);
        EXPECT_TRUE(becomes_free(SOCK_STREAM, one.block.first, one.block.count));
    }
}

TEST(documents_acquire, success_carries_no_failure) {
    const auto socket = udp4();
    const auto got = acquire(socket, 1);
    EXPECT_FALSE(got.why);
    EXPECT_EQ(got.why.code, error_code());
    EXPECT_EQ(got.why.what, "");
}

TEST(documents_acquire, a_failure_names_its_cause_and_carries_no_block) {
    const auto socket = udp4();
    const auto got = acquire(socket, 2, 65535);
    EXPECT_TRUE(got.why);
    EXPECT_NE(got.why.what.find("65535"), std::string::npos) << "the limit is not named: " << got.why.what;
    EXPECT_FALSE(got.token);
}

TEST(documents_acquire, an_ipv6_socket_acquires_and_draws) {
    const auto acquiring = udp6();
    if (acquiring.fd() < 0) GTEST_SKIP() << "this system has no IPv6";
    const auto got = acquire(acquiring, 2);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto socket = udp6();
    ASSERT_FALSE(associate(socket, got.token));
    ASSERT_FALSE(bind(socket, 0, asio::ip::address_v6::any()));
    EXPECT_TRUE(got.block.contains(socket.port()));
    EXPECT_TRUE(datagram_arrives(socket.fd(), AF_INET6, socket.port()));
}

TEST(documents_acquire, the_sample_program_runs_through) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        plain_socket socket(AF_INET, type);
        const auto got = acquire(socket, 20);
        ASSERT_FALSE(got.why) << got.why.what;
        plain_socket second(AF_INET, type);
        ASSERT_FALSE(associate(socket, got.token));
        ASSERT_FALSE(bind(socket));
        EXPECT_TRUE(got.block.contains(socket.port()));
        const auto why = release(socket, got.token);
        ASSERT_FALSE(why) << why.what;
        second.close();
        socket.close();
        EXPECT_TRUE(all_free(type, got.block.first, got.block.count));
    }
}

TEST(documents_acquire, the_capabilities_say_whether_this_system_reserves) {
    const auto socket = udp4();
    const auto got = acquire(socket, 1);
    EXPECT_EQ(berth::query_capabilities().can_reserve, !got.why) << got.why.what;
    if (!got.why) return;
    EXPECT_EQ(got.why.code, errc::operation_not_supported);
}
