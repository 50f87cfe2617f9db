// An IPv4 socket of the program on a block of dual-stack sockets, as berthd's are: it sees IPv4 and nothing else.
#include <gtest/gtest.h>

#include <berth/port_reservation.hpp>

#include <cstring>

#include "ground.hpp"

using namespace compat_test;

namespace {

berth::port_reservation dual_block(berth::transport protocol) {
    berth::reservation_request request;
    request.block.count = 2;
    request.protocol = protocol;
    return berth::port_reservation::reserve(request);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

/// A datagram, or a connection, over IPv6 from a plain socket; the socket, so that it lives on.
documents::plain_socket over_ipv6(int type, std::uint16_t port) {
    documents::plain_socket socket(AF_INET6, type);
    documents::connect_to(socket.fd(), AF_INET6, port);
    if (type == SOCK_DGRAM) {
        EXPECT_EQ(::send(socket.fd(), "six", 3, 0), 3);
    }
    return socket;
}

}  // namespace

TEST(compat_ipv4_face, datagrams_come_from_and_go_to_ipv4_addresses) {
    auto block = dual_block(berth::transport::udp);
    const own_socket server(SOCK_DGRAM);
    ASSERT_EQ(associate(server, {block.token().value()}).result, 0);
    ASSERT_EQ(bind_to(server), 0);
    ASSERT_TRUE(block.block().contains(server.port()));
    const auto stranger = over_ipv6(SOCK_DGRAM, server.port());
    const own_socket client(SOCK_DGRAM);
    const auto to = loopback(server.port());
    ASSERT_EQ(sendto(client.get(), "four", 4, 0, reinterpret_cast<const SOCKADDR*>(&to), sizeof to), 4);
    char text[16] = {};
    sockaddr_in from{};
    int from_size = sizeof from;
    ASSERT_EQ(recvfrom(server.get(), text, sizeof text, 0, reinterpret_cast<SOCKADDR*>(&from), &from_size), 4);
    EXPECT_STREQ(text, "four") << "and not the one that came over IPv6";
    EXPECT_EQ(from_size, static_cast<int>(sizeof from));
    EXPECT_EQ(from.sin_family, AF_INET);
    EXPECT_EQ(ntohl(from.sin_addr.s_addr), INADDR_LOOPBACK);
    EXPECT_EQ(ntohs(from.sin_port), client.port());
    ASSERT_EQ(sendto(server.get(), "back", 4, 0, reinterpret_cast<SOCKADDR*>(&from), from_size), 4);
    EXPECT_EQ(recv(client.get(), text, sizeof text, 0), 4);
    sockaddr_storage name{};
    int size = sizeof name;
    ASSERT_EQ(getsockname(server.get(), reinterpret_cast<SOCKADDR*>(&name), &size), 0);
    EXPECT_EQ(name.ss_family, AF_INET);
    EXPECT_EQ(size, static_cast<int>(sizeof(sockaddr_in)));
}

TEST(compat_ipv4_face, connections_are_accepted_from_ipv4_alone) {
    auto block = dual_block(berth::transport::tcp);
    const own_socket listener(SOCK_STREAM);
    ASSERT_EQ(associate(listener, {block.token().value()}).result, 0);
    ASSERT_EQ(bind_to(listener), 0);
    ASSERT_EQ(listen(listener.get(), 4), 0);
    const auto stranger = over_ipv6(SOCK_STREAM, listener.port());
    const own_socket client(SOCK_STREAM);
    const auto to = loopback(listener.port());
    ASSERT_EQ(connect(client.get(), reinterpret_cast<const SOCKADDR*>(&to), sizeof to), 0);
    sockaddr_in from{};
    int from_size = sizeof from;
    const own_socket session(accept(listener.get(), reinterpret_cast<SOCKADDR*>(&from), &from_size));
    ASSERT_NE(session.get(), INVALID_SOCKET) << WSAGetLastError();
    EXPECT_EQ(from.sin_family, AF_INET);
    EXPECT_EQ(ntohs(from.sin_port), client.port());
    sockaddr_in name{};
    int size = sizeof name;
    ASSERT_EQ(getpeername(session.get(), reinterpret_cast<SOCKADDR*>(&name), &size), 0);
    EXPECT_EQ(std::memcmp(&name, &from, sizeof name), 0);
    char text[8];
    EXPECT_EQ(::recv(stranger.fd(), text, sizeof text, 0), 0) << "the other one is turned away";
    ASSERT_EQ(send(session.get(), "x", 1, 0), 1);
    EXPECT_EQ(recv(client.get(), text, sizeof text, 0), 1);
}

TEST(compat_ipv4_face, options_and_the_blocking_mode_are_kept) {
    auto block = dual_block(berth::transport::tcp);
    const own_socket socket(SOCK_STREAM);
    const int yes = 1;
    u_long not_blocking = 1;
    ASSERT_EQ(setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, reinterpret_cast<const char*>(&yes), sizeof yes), 0);
    ASSERT_EQ(ioctlsocket(socket.get(), FIONBIO, &not_blocking), 0);
    ASSERT_EQ(associate(socket, {block.token().value()}).result, 0);
    ASSERT_EQ(bind_to(socket), 0);
    int value = 0;
    int size = sizeof value;
    ASSERT_EQ(getsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, reinterpret_cast<char*>(&value), &size), 0);
    EXPECT_EQ(value, 1);
    EXPECT_EQ(accept(socket.get(), nullptr, nullptr), INVALID_SOCKET);
    EXPECT_EQ(WSAGetLastError(), WSAEWOULDBLOCK);
}

TEST(compat_ipv4_face, a_socket_whose_blocks_would_end_keeps_its_family) {
    auto block = dual_block(berth::transport::udp);
    const own_socket acquiring(SOCK_DGRAM);
    const auto got = acquire(acquiring, 1);
    EXPECT_EQ(associate(acquiring, {block.token().value()}).error, WSAEINVAL);
    EXPECT_TRUE(documents::all_held(SOCK_DGRAM, got.first, 1));
    EXPECT_EQ(release(acquiring, {block.token().value()}).error, WSAEINVAL)
        << "it was not acquired by this interface";
    EXPECT_TRUE(documents::all_held(SOCK_DGRAM, block.block().first, 2));
}
