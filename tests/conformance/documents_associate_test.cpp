// The document of the associate operation, what may be associated and what bind then does: tests/LEDGER.md, rows S.
//
// An ordinary bind(2) is always the other side of the comparison: getsockname, clients and datagrams say what is so.
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <set>

#include "documents_calls.hpp"

using namespace documents;

TEST(documents_associate, bind_draws_a_port_of_the_block) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        const plain_socket acquiring(AF_INET, type);
        const auto got = acquire(acquiring, 8);
        ASSERT_FALSE(got.why) << got.why.what;
        std::vector<plain_socket> sockets;
        std::set<std::uint16_t> drawn;
        for (int i = 0; i < 8; ++i) {
            const auto& socket = sockets.emplace_back(AF_INET, type);
            EXPECT_EQ(associate(socket, got.token), error_code());
            EXPECT_EQ(bind(socket), error_code());
            EXPECT_TRUE(got.block.contains(socket.port())) << socket.port();
            drawn.insert(socket.port());
        }
        EXPECT_EQ(drawn.size(), 8U) << "a port was drawn twice";
    }
}

TEST(documents_associate, the_bound_socket_serves_on_its_port) {
    const auto acquiring_tcp = tcp4();
    const auto acquiring_udp = udp4();
    const auto tcp = acquire(acquiring_tcp, 2);
    const auto udp = acquire(acquiring_udp, 2);
    ASSERT_FALSE(tcp.why || udp.why) << tcp.why.what << udp.why.what;
    const auto listener = tcp4();
    ASSERT_FALSE(associate_and_bind(listener, tcp.token));
    ASSERT_EQ(::listen(listener.fd(), 16), 0);
    EXPECT_TRUE(client_is_served(listener.fd(), AF_INET, listener.port()));
    const auto receiver = udp4();
    ASSERT_FALSE(associate_and_bind(receiver, udp.token));
    EXPECT_TRUE(datagram_arrives(receiver.fd(), AF_INET, receiver.port()));
}

TEST(documents_associate, a_bound_tcp_socket_can_connect) {
    const auto server = tcp4();
    ASSERT_EQ(bind_plainly(server, 0), 0);
    ASSERT_EQ(::listen(server.fd(), 1), 0);
    const auto block = reserve(berth::transport::tcp, 2, "0.0.0.0", berth::tcp_use::connect);
    const auto client = tcp4();
    ASSERT_FALSE(associate_and_bind(client, block.token()));
    EXPECT_EQ(connect_to(client.fd(), AF_INET, server.port()), 0);
    EXPECT_TRUE(block.block().contains(client.port()));
}

TEST(documents_associate, a_bound_socket_is_refused) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        const plain_socket acquiring(AF_INET, type);
        const auto got = acquire(acquiring, 2);
        ASSERT_FALSE(got.why) << got.why.what;
        const plain_socket bound_before(AF_INET, type);
        ASSERT_EQ(bind_plainly(bound_before, 0), 0);
        const auto port = bound_before.port();
        EXPECT_EQ(associate(bound_before, got.token), errc::already_bound);
        EXPECT_EQ(bound_before.port(), port);

        const plain_socket drawn(AF_INET, type);
        ASSERT_FALSE(associate_and_bind(drawn, got.token));
        EXPECT_EQ(associate(drawn, got.token), errc::already_bound);
        EXPECT_TRUE(bind(drawn)) << "bound twice";

        const plain_socket bound_between(AF_INET, type);
        ASSERT_FALSE(associate(bound_between, got.token));
        ASSERT_EQ(bind_plainly(bound_between, 0), 0);
        EXPECT_EQ(bind(bound_between), errc::already_bound);
    }
}

TEST(documents_associate, an_association_alone_takes_no_port) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto waiting = udp4();
    ASSERT_FALSE(associate(waiting, got.token));
    EXPECT_EQ(waiting.port(), 0);
    const auto socket = udp4();
    EXPECT_FALSE(associate_and_bind(socket, got.token)) << "the only port went to a socket that was never bound";
    EXPECT_EQ(socket.port(), got.block.first);
}

TEST(documents_associate, bind_fails_when_no_port_is_left) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        const plain_socket acquiring(AF_INET, type);
        const auto got = acquire(acquiring, 2);
        ASSERT_FALSE(got.why) << got.why.what;
        plain_socket one(AF_INET, type);
        const plain_socket two(AF_INET, type);
        ASSERT_FALSE(associate_and_bind(one, got.token));
        ASSERT_FALSE(associate_and_bind(two, got.token));
        const plain_socket three(AF_INET, type);
        EXPECT_EQ(associate(three, got.token), error_code()) << "it is bind that fails";
        EXPECT_EQ(bind(three), errc::block_exhausted);
        EXPECT_EQ(three.port(), 0);
        const auto port = one.port();
        ASSERT_FALSE(give_back(one));
        EXPECT_EQ(bind(three), error_code()) << "the association was lost with the failure";
        EXPECT_EQ(three.port(), port);
    }
}

TEST(documents_associate, a_port_given_back_can_be_drawn_again) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    for (int round = 0; round < 20; ++round) {
        auto socket = udp4();
        ASSERT_FALSE(associate_and_bind(socket, got.token)) << "round " << round;
        ASSERT_TRUE(datagram_arrives(socket.fd(), AF_INET, got.block.first)) << "round " << round;
        if (round % 2 == 0) {
            ASSERT_FALSE(give_back(socket));
        }  // else plainly closed
    }
}

TEST(documents_associate, bind_without_associate_is_refused) {
    const auto socket = udp4();
    EXPECT_EQ(bind(socket), errc::not_associated);
    EXPECT_EQ(socket.port(), 0);
}

TEST(documents_associate, each_token_draws_from_its_own_block) {
    const auto acquiring = udp4();
    const acquired blocks[] = {acquire(acquiring, 2), acquire(acquiring, 2)};
    for (const auto& got : blocks) {
        ASSERT_FALSE(got.why) << got.why.what;
        const auto one = udp4();
        const auto two = udp4();
        ASSERT_FALSE(associate_and_bind(one, got.token));
        ASSERT_FALSE(associate_and_bind(two, got.token));
        EXPECT_TRUE(got.block.contains(one.port()) && got.block.contains(two.port()));
    }
}

TEST(documents_associate, a_second_associate_replaces_the_first) {
    const auto acquiring = udp4();
    const acquired first = acquire(acquiring, 1);
    const acquired second = acquire(acquiring, 1);
    ASSERT_FALSE(first.why || second.why);
    const auto socket = udp4();
    ASSERT_FALSE(associate(socket, first.token));
    ASSERT_FALSE(associate(socket, second.token));
    ASSERT_FALSE(bind(socket));
    EXPECT_EQ(socket.port(), second.block.first);
}

TEST(documents_associate, the_acquiring_socket_itself_can_draw) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        const plain_socket acquiring(AF_INET, type);
        const auto got = acquire(acquiring, 2);
        ASSERT_FALSE(got.why) << got.why.what;
        ASSERT_FALSE(associate_and_bind(acquiring, got.token));
        EXPECT_TRUE(got.block.contains(acquiring.port()));
        EXPECT_TRUE(all_held(type, got.block.first, 2)) << "being bound ended the reservation";
        const plain_socket other(AF_INET, type);
        EXPECT_EQ(associate_and_bind(other, got.token), error_code()) << "being bound ended the token";
    }
}

TEST(documents_associate, a_named_port_of_the_block_is_drawn) {
    const auto acquiring = tcp4();
    const auto got = acquire(acquiring, 4);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto wanted = static_cast<std::uint16_t>(got.block.first + 2);
    const auto socket = tcp4();
    ASSERT_FALSE(associate(socket, got.token));
    ASSERT_FALSE(bind(socket, wanted));
    EXPECT_EQ(socket.port(), wanted);
}

TEST(documents_associate, a_non_blocking_socket_gets_its_answer_from_the_call) {
    const auto acquiring = tcp4();
    const auto got = acquire(acquiring, 2);
    ASSERT_FALSE(got.why) << got.why.what;
    const plain_socket waits_never(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    ASSERT_FALSE(associate_and_bind(waits_never, got.token));
    EXPECT_NE(::fcntl(waits_never.fd(), F_GETFL) & O_NONBLOCK, 0);
    const auto waits = tcp4();
    ASSERT_FALSE(associate_and_bind(waits, got.token));
    EXPECT_EQ(::fcntl(waits.fd(), F_GETFL) & O_NONBLOCK, 0) << "a blocking socket stays one";
}

TEST(documents_associate, an_association_ends_with_its_socket) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto associated = udp4();
    ASSERT_FALSE(associate(associated, got.token));
    const auto fresh = udp4();
    ASSERT_EQ(::dup2(fresh.fd(), associated.fd()), associated.fd());
    EXPECT_EQ(bind(associated), errc::not_associated) << "the descriptor's number was mistaken for the socket";
}

TEST(documents_associate, asio_objects_take_the_same_steps) {
    asio::io_context context;
    asio::ip::tcp::socket acquiring(context, asio::ip::tcp::v4());
    berth::failure why;
    const auto instance = berth::reserve_on(acquiring, berth::port_block{0, 2}, why);
    ASSERT_FALSE(why) << why.what;
    asio::ip::tcp::acceptor acceptor(context, asio::ip::tcp::v4());
    error_code ec;
    berth::associate(acceptor, instance.token, ec);
    ASSERT_FALSE(ec) << ec.message();
    berth::bind(acceptor, asio::ip::tcp::endpoint(asio::ip::tcp::v4(), 0), ec);
    ASSERT_FALSE(ec) << ec.message();
    acceptor.listen();
    const auto port = acceptor.local_endpoint().port();
    EXPECT_TRUE(instance.block.contains(port));
    EXPECT_TRUE(client_is_served(acceptor.native_handle(), AF_INET, port));
    berth::give_back(acceptor, ec);
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_FALSE(acceptor.is_open());
    berth::release(acquiring, instance.token, why);
    EXPECT_FALSE(why) << why.what;
    EXPECT_TRUE(becomes_free(SOCK_STREAM, instance.block.first, 2));
}
