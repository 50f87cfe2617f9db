// The document of the release operation, sentence by sentence: tests/LEDGER.md, rows R.
//
// After a release the kernel is asked whether the ports are everybody's again; after a refused one, that they are
// not.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include "documents_calls.hpp"

using namespace documents;

namespace {

void expect_released(int type) {
    const plain_socket acquiring(AF_INET, type);
    const auto got = acquire(acquiring, 4);
    ASSERT_FALSE(got.why) << got.why.what;
    ASSERT_TRUE(all_held(type, got.block.first, 4));
    const auto why = release(acquiring, got.token);
    EXPECT_FALSE(why) << why.what;
    EXPECT_EQ(why.code, error_code());
    EXPECT_TRUE(all_free(type, got.block.first, 4));
}

}  // namespace

TEST(documents_release, releases_a_tcp_block) { expect_released(SOCK_STREAM); }

TEST(documents_release, releases_a_udp_block) { expect_released(SOCK_DGRAM); }

TEST(documents_release, the_ports_are_free_when_the_call_returns) {
    earlier_process somebody_else([](std::uint64_t first) {  // forked before: it has no descriptor of the block
        return all_free(SOCK_STREAM, static_cast<std::uint16_t>(first), 100) ? "" : "a port was still held";
    });
    const auto acquiring = tcp4();
    const auto got = acquire(acquiring, 100);
    ASSERT_FALSE(got.why) << got.why.what;
    ASSERT_FALSE(release(acquiring, got.token));
    EXPECT_EQ(somebody_else.tell(got.block.first), "");
}

TEST(documents_release, any_tcp_or_udp_socket_of_the_process_may_carry_the_release) {
    for (const int carrying_type : {SOCK_STREAM, SOCK_DGRAM}) {
        const auto acquiring = tcp4();
        const auto got = acquire(acquiring, 2);
        ASSERT_FALSE(got.why) << got.why.what;
        const plain_socket carrying(AF_INET6, carrying_type);
        const auto why = release(carrying, got.token);
        EXPECT_FALSE(why) << why.what;
        EXPECT_TRUE(all_free(SOCK_STREAM, got.block.first, 2));
    }
}

TEST(documents_release, only_the_named_block_is_released) {
    const auto acquiring = udp4();
    const auto kept = acquire(acquiring, 2);
    const auto gone = acquire(acquiring, 2);
    ASSERT_FALSE(kept.why || gone.why) << kept.why.what << gone.why.what;
    ASSERT_FALSE(release(acquiring, gone.token));
    EXPECT_TRUE(all_free(SOCK_DGRAM, gone.block.first, 2));
    EXPECT_TRUE(all_held(SOCK_DGRAM, kept.block.first, 2));
    const auto socket = udp4();
    EXPECT_EQ(associate_and_bind(socket, kept.token), error_code());
}

TEST(documents_release, a_second_release_is_refused) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    ASSERT_FALSE(release(acquiring, got.token));
    EXPECT_EQ(release(acquiring, got.token).code, errc::invalid_token);
}

TEST(documents_release, a_forged_token_releases_nothing) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 2);
    ASSERT_FALSE(got.why) << got.why.what;
    for (int bit = 0; bit < 64; ++bit) {
        const auto why = release(acquiring, berth::reservation_token(got.token.value() ^ (std::uint64_t{1} << bit)));
        EXPECT_EQ(why.code, errc::invalid_token) << "bit " << bit;
    }
    EXPECT_TRUE(all_held(SOCK_DGRAM, got.block.first, 2));
}

TEST(documents_release, a_zero_token_releases_nothing) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    EXPECT_EQ(release(acquiring, berth::reservation_token()).code, errc::invalid_token);
    EXPECT_TRUE(all_held(SOCK_DGRAM, got.block.first, 1));
}

TEST(documents_release, another_process_cannot_release) {
    earlier_process stranger([](std::uint64_t token) {
        const auto socket = udp4();
        const auto why = release(socket, berth::reservation_token(token));
        return why.code == errc::invalid_token ? "" : "answered: " + why.code.message();
    });
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 2);
    ASSERT_FALSE(got.why) << got.why.what;
    EXPECT_EQ(stranger.tell(got.token.value()), "");
    EXPECT_TRUE(all_held(SOCK_DGRAM, got.block.first, 2));
}

TEST(documents_release, a_forked_child_cannot_release) {
    const auto acquiring = tcp4();
    const auto got = acquire(acquiring, 2);
    ASSERT_FALSE(got.why) << got.why.what;
    EXPECT_EQ(in_child([&] {
                  const auto why = release(acquiring, got.token);
                  return why.code == errc::forked ? "" : "answered: " + why.code.message();
              }),
              "");
    EXPECT_TRUE(all_held(SOCK_STREAM, got.block.first, 2));
    const auto listener = tcp4();
    ASSERT_EQ(associate_and_bind(listener, got.token), error_code());
    EXPECT_TRUE(client_is_served(listener.fd(), AF_INET, listener.port())) << "the child spoilt the session socket";
}

TEST(documents_release, what_is_not_a_socket_is_refused) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    EXPECT_EQ(release(ends[0], got.token).code, errc::not_a_socket);
    EXPECT_EQ(release(-1, got.token).code, errc::not_a_socket);
    ::close(ends[0]);
    EXPECT_EQ(release(ends[0], got.token).code, errc::not_a_socket) << "closed";
    ::close(ends[1]);
    EXPECT_TRUE(all_held(SOCK_DGRAM, got.block.first, 1));
}

TEST(documents_release, a_socket_other_than_tcp_or_udp_is_refused) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    for (const auto& socket : neither_tcp_nor_udp())
        EXPECT_EQ(release(socket, got.token).code, errc::operation_not_supported) << socket.describe();
    EXPECT_TRUE(all_held(SOCK_DGRAM, got.block.first, 1));
}

TEST(documents_release, a_non_blocking_socket_gets_its_answer_from_the_call) {
    const plain_socket acquiring(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK);
    const auto got = acquire(acquiring, 100);
    ASSERT_FALSE(got.why) << got.why.what;
    ASSERT_FALSE(release(acquiring, got.token));
    EXPECT_TRUE(all_free(SOCK_DGRAM, got.block.first, 100));
}

TEST(documents_release, a_release_leaves_bound_sockets_their_ports) {
    const auto acquiring = tcp4();
    const auto got = acquire(acquiring, 3);
    ASSERT_FALSE(got.why) << got.why.what;
    auto listener = tcp4();
    ASSERT_FALSE(associate(listener, got.token));
    ASSERT_FALSE(bind(listener, static_cast<std::uint16_t>(got.block.first + 1)));
    const auto why = release(acquiring, got.token);
    ASSERT_FALSE(why) << why.what;
    EXPECT_EQ(try_port(SOCK_STREAM, got.block.first), 0);
    EXPECT_EQ(try_port(SOCK_STREAM, static_cast<std::uint16_t>(got.block.first + 2)), 0);
    EXPECT_EQ(listener.port(), got.block.first + 1);
    EXPECT_TRUE(client_is_served(listener.fd(), AF_INET, listener.port()));
    listener.close();
    const auto other = tcp4();
    EXPECT_EQ(associate(other, got.token), errc::invalid_token);
}

TEST(documents_release, the_reservation_object_refuses_while_sockets_are_out_and_counts_them) {
    auto block = reserve(berth::transport::udp, 4);
    auto one = udp4();
    auto two = udp4();
    ASSERT_FALSE(associate_and_bind(one, block.token()));
    ASSERT_FALSE(associate_and_bind(two, block.token()));
    berth::failure why;
    block.release(why);
    EXPECT_EQ(why.code, errc::reservation_busy);
    EXPECT_EQ(why.count, 2U);
    EXPECT_TRUE(all_held(SOCK_DGRAM, block.block().first, 4)) << "nothing changed";
    ASSERT_FALSE(give_back(one));
    ASSERT_FALSE(give_back(two));
    const auto first = block.block().first;
    why = {};
    block.release(why);
    EXPECT_FALSE(why) << why.what;
    EXPECT_TRUE(all_free(SOCK_DGRAM, first, 4));
}

TEST(documents_release, the_socket_can_be_used_after_the_release) {
    auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    ASSERT_FALSE(release(acquiring, got.token));
    ASSERT_EQ(bind_plainly(acquiring, 0), 0);
    EXPECT_TRUE(datagram_arrives(acquiring.fd(), AF_INET, acquiring.port()));
    const auto again = udp4();
    EXPECT_FALSE(acquire(again, 1, got.block.first).why) << "the block can be acquired once more";
}

TEST(documents_release, the_sample_program_runs_through) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        plain_socket socket(AF_INET, type);
        const auto got = acquire(socket, 20);
        ASSERT_FALSE(got.why) << got.why.what;
        EXPECT_TRUE(got.block.is_valid() && got.token);
        const auto why = release(socket, got.token);
        ASSERT_FALSE(why) << why.what;
        socket.close();
        EXPECT_TRUE(all_free(type, got.block.first, 20));
    }
}
