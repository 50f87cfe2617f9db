// The documents' three operations through WSAIoctl: layouts, sizes, and what a success leaves behind.
#include <gtest/gtest.h>

#include "ground.hpp"

#include <ws2spi.h>

#include <cstddef>
#include <cstring>

using namespace compat_test;

// The values and layouts of Windows, written down from its headers.
static_assert(SIO_ACQUIRE_PORT_RESERVATION == 0x98000064 && SIO_RELEASE_PORT_RESERVATION == 0x98000065);
static_assert(SIO_ASSOCIATE_PORT_RESERVATION == 0x98000066 && SIO_FLUSH == 0x28000004);
static_assert(sizeof(INET_PORT_RANGE) == 4 && offsetof(INET_PORT_RANGE, NumberOfPorts) == 2);
static_assert(sizeof(INET_PORT_RESERVATION_TOKEN) == 8 && sizeof(INET_PORT_RESERVATION_INSTANCE) == 16);
static_assert(offsetof(INET_PORT_RESERVATION_INSTANCE, Token) == 8);
static_assert(sizeof(DWORD) == 4 && sizeof(ULONG) == 4 && sizeof(LONG) == 4 && sizeof(ULONG64) == 8);
static_assert(sizeof(OVERLAPPED) == 32 && offsetof(OVERLAPPED, hEvent) == 24);
static_assert(MAKEWORD(2, 1) == 0x0102 && INVALID_SOCKET == static_cast<SOCKET>(-1));

int main(int argc, char** argv) {  // not the library's, which calls a wmain
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}

class compat_calls : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(tcp_and_udp, compat_calls, testing::Values(SOCK_STREAM, SOCK_DGRAM));

TEST_P(compat_calls, acquire_associate_bind_and_release) {
    const own_socket acquiring(GetParam());
    const auto got = acquire(acquiring, 20);
    ASSERT_EQ(got.from.result, 0) << got.from.error;
    EXPECT_EQ(got.from.bytes, sizeof(INET_PORT_RESERVATION_INSTANCE));
    EXPECT_EQ(got.count, 20);
    EXPECT_NE(got.token.Token, INVALID_PORT_RESERVATION_TOKEN);
    EXPECT_TRUE(documents::all_held(GetParam(), got.first, 20));
    own_socket drawing(GetParam());
    const auto associated = associate(drawing, got.token);
    ASSERT_EQ(associated.result, 0) << associated.error;
    EXPECT_NE(associated.bytes, 0u) << "the documents ask for it, although nothing is returned";
    ASSERT_EQ(bind_to(drawing), 0);
    EXPECT_GE(drawing.port(), got.first);
    EXPECT_LT(drawing.port(), got.first + 20);
    EXPECT_EQ(drawing.close(), 0);
    const auto released = release(acquiring, got.token);
    EXPECT_EQ(released.result, 0) << released.error;
    EXPECT_NE(released.bytes, 0u);
    EXPECT_TRUE(documents::all_free(GetParam(), got.first, 20));
}

TEST_P(compat_calls, the_first_port_is_in_network_byte_order) {
    const auto first = [&] {
        const own_socket socket(GetParam());
        return acquire(socket, 2).first;
    }();
    ASSERT_NE(first, 0);
    const own_socket acquiring(GetParam());
    INET_PORT_RANGE range{};
    const unsigned char bytes[] = {static_cast<unsigned char>(first >> 8), static_cast<unsigned char>(first & 0xff)};
    std::memcpy(&range.StartPort, bytes, 2);
    range.NumberOfPorts = 2;
    INET_PORT_RESERVATION_INSTANCE instance{};
    const auto a = control(acquiring, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof range, &instance, sizeof instance);
    ASSERT_EQ(a.result, 0) << a.error;
    EXPECT_EQ(std::memcmp(&instance.Reservation.StartPort, bytes, 2), 0);
    EXPECT_EQ(instance.Reservation.NumberOfPorts, 2);
    EXPECT_TRUE(documents::all_held(GetParam(), first, 2));
}

TEST_P(compat_calls, the_input_of_a_token_call_may_be_larger_and_not_smaller) {
    const own_socket socket(GetParam());
    const auto got = acquire(socket, 1);
    ASSERT_EQ(got.from.result, 0);
    INET_PORT_RESERVATION_TOKEN larger[2] = {got.token, {}};
    for (const DWORD code : {SIO_ASSOCIATE_PORT_RESERVATION, SIO_RELEASE_PORT_RESERVATION}) {
        for (const DWORD size : {0u, 4u, 7u}) {
            const auto a = control(socket, code, larger, size, nullptr, 0);
            EXPECT_EQ(a.error, WSAEINVAL) << size;
            EXPECT_EQ(a.bytes, 0u);
        }
        EXPECT_EQ(control(socket, code, larger, sizeof larger, nullptr, 0).result, 0);
    }
}

TEST_P(compat_calls, the_input_of_an_acquire_holds_a_range) {
    const own_socket socket(GetParam());
    INET_PORT_RANGE larger[2] = {{0, 1}, {}};
    INET_PORT_RESERVATION_INSTANCE instance{};
    for (const DWORD size : {0u, 3u}) {
        const auto a = control(socket, SIO_ACQUIRE_PORT_RESERVATION, larger, size, &instance, sizeof instance);
        EXPECT_EQ(a.error, WSAEINVAL);
        EXPECT_EQ(a.bytes, 0u);
    }
    const auto a = control(socket, SIO_ACQUIRE_PORT_RESERVATION, larger, sizeof larger, &instance, sizeof instance);
    EXPECT_EQ(a.result, 0) << "should be the size is advice: what is beyond it is not looked at";
}

TEST_P(compat_calls, an_output_that_is_too_small_is_refused_and_nothing_is_held) {
    const auto first = [&] {
        const own_socket socket(GetParam());
        return acquire(socket, 2).first;
    }();
    const own_socket socket(GetParam());
    INET_PORT_RANGE range{htons(first), 2};
    INET_PORT_RESERVATION_INSTANCE instance{};
    for (const DWORD size : {0u, 8u, 15u}) {
        const auto a = control(socket, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof range, &instance, size);
        EXPECT_EQ(a.result, SOCKET_ERROR);
        EXPECT_EQ(a.error, WSAEINVAL) << size;
        EXPECT_EQ(a.bytes, 0u) << size;
    }
    EXPECT_EQ(instance.Token.Token, 0u);
    EXPECT_TRUE(documents::all_free(GetParam(), first, 2));
    INET_PORT_RESERVATION_INSTANCE larger[2] = {};
    EXPECT_EQ(control(socket, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof range, larger, sizeof larger).bytes,
              sizeof(INET_PORT_RESERVATION_INSTANCE));
}

TEST_P(compat_calls, the_output_of_a_token_call_is_nothing) {
    const own_socket socket(GetParam());
    const auto got = acquire(socket, 1);
    auto token = got.token;
    char some[16];
    for (const DWORD code : {SIO_ASSOCIATE_PORT_RESERVATION, SIO_RELEASE_PORT_RESERVATION}) {
        const auto a = control(socket, code, &token, sizeof token, some, sizeof some);
        EXPECT_EQ(a.error, WSAEINVAL);
        EXPECT_EQ(a.bytes, 0u);
        EXPECT_EQ(control(socket, code, &token, sizeof token, some, 0).result, 0) << "a pointer alone is unused";
    }
}

TEST_P(compat_calls, a_non_blocking_socket_gets_its_answer_from_the_call) {
    const own_socket socket(GetParam());
    u_long yes = 1;
    ASSERT_EQ(ioctlsocket(socket, FIONBIO, &yes), 0);
    const auto got = acquire(socket, 100);
    ASSERT_EQ(got.from.result, 0) << got.from.error;
    EXPECT_TRUE(documents::all_held(GetParam(), got.first, 100));
    EXPECT_EQ(associate(socket, got.token).result, 0);
    EXPECT_EQ(release(socket, got.token).result, 0);
    EXPECT_TRUE(documents::all_free(GetParam(), got.first, 100));
}

TEST_P(compat_calls, the_acquiring_socket_itself_draws_and_the_release_leaves_it_its_port) {
    own_socket socket(GetParam());
    const auto got = acquire(socket, 4);
    ASSERT_EQ(associate(socket, got.token).result, 0);
    ASSERT_EQ(bind_to(socket), 0);
    const auto port = socket.port();
    EXPECT_EQ(release(socket, got.token).result, 0) << "as the sample does, while a socket is bound";
    EXPECT_EQ(socket.port(), port);
    for (int i = 0; i < 4; ++i) {
        const auto each = static_cast<std::uint16_t>(got.first + i);
        EXPECT_EQ(documents::try_port(GetParam(), each) == 0, each != port) << each;
    }
    EXPECT_EQ(socket.close(), 0);
    EXPECT_TRUE(documents::becomes_free(GetParam(), port, 1));
}

TEST_P(compat_calls, a_block_ends_when_its_acquiring_socket_is_closed) {
    own_socket socket(GetParam());
    const auto got = acquire(socket, 4);
    ASSERT_EQ(got.from.result, 0);
    ASSERT_EQ(socket.close(), 0);
    EXPECT_TRUE(documents::all_free(GetParam(), got.first, 4)) << "when the call returns";
    const own_socket other(GetParam());
    EXPECT_EQ(associate(other, got.token).error, WSAEINVAL);
}

TEST_P(compat_calls, several_blocks_on_one_socket) {
    own_socket socket(GetParam());
    const auto one = acquire(socket, 3);
    const auto two = acquire(socket, 3);
    ASSERT_EQ(one.from.result, 0);
    ASSERT_EQ(two.from.result, 0);
    EXPECT_NE(one.token.Token, two.token.Token);
    EXPECT_EQ(release(socket, one.token).result, 0);
    EXPECT_TRUE(documents::all_free(GetParam(), one.first, 3));
    EXPECT_TRUE(documents::all_held(GetParam(), two.first, 3));
    socket.close();
    EXPECT_TRUE(documents::all_free(GetParam(), two.first, 3));
}

TEST_P(compat_calls, any_tcp_or_udp_socket_of_the_process_carries_a_release) {
    const own_socket acquiring(GetParam());
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        const auto got = acquire(acquiring, 2);
        const own_socket carrying(type);
        EXPECT_EQ(release(carrying, got.token).result, 0);
        EXPECT_TRUE(documents::all_free(GetParam(), got.first, 2));
    }
}

TEST_P(compat_calls, bind_fails_when_the_block_is_empty_and_says_so) {
    const own_socket acquiring(GetParam());
    const auto got = acquire(acquiring, 1);
    own_socket one(GetParam());
    const own_socket two(GetParam());
    ASSERT_EQ(associate(one, got.token).result, 0);
    ASSERT_EQ(associate(two, got.token).result, 0);
    EXPECT_EQ(bind_to(one), 0);
    EXPECT_EQ(bind_to(two), WSAEADDRINUSE);
    one.close();
    EXPECT_EQ(bind_to(two), 0) << "closesocket gave the port back";
    EXPECT_EQ(two.port(), got.first);
}

TEST_P(compat_calls, a_bound_socket_serves) {
    const own_socket acquiring(GetParam());
    const auto got = acquire(acquiring, 2);
    const own_socket server(GetParam());
    ASSERT_EQ(associate(server, got.token).result, 0);
    ASSERT_EQ(bind_to(server), 0);
    const int fd = static_cast<int>(server.get());
    if (GetParam() == SOCK_DGRAM) {
        EXPECT_TRUE(documents::datagram_arrives(fd, AF_INET, server.port()));
    } else {
        ASSERT_EQ(listen(server.get(), 5), 0);
        EXPECT_TRUE(documents::client_is_served(fd, AF_INET, server.port()));
    }
}

TEST_P(compat_calls, the_providers_form_says_its_error_through_a_pointer) {
    const own_socket socket(GetParam());
    const auto got = acquire(socket, 1);
    auto token = got.token;
    DWORD bytes = 0;
    int error = 77;
    WSATHREADID thread{};
    EXPECT_EQ(WSPIoctl(socket, SIO_RELEASE_PORT_RESERVATION, &token, sizeof token, nullptr, 0, &bytes, nullptr,
                       nullptr, &thread, &error),
              0);
    EXPECT_EQ(error, 77) << "of a failure alone";
    EXPECT_NE(bytes, 0u);
    EXPECT_EQ(WSPIoctl(socket, SIO_RELEASE_PORT_RESERVATION, &token, sizeof token, nullptr, 0, &bytes, nullptr,
                       nullptr, nullptr, &error),
              SOCKET_ERROR);
    EXPECT_EQ(error, WSAEINVAL);
    EXPECT_EQ(WSPIoctl(socket, SIO_FLUSH, nullptr, 0, nullptr, 0, &bytes, nullptr, nullptr, nullptr, nullptr),
              SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAEFAULT);
}

TEST(compat_sockets, a_socket_of_no_block_is_bound_by_the_system) {
    const own_socket socket(SOCK_DGRAM);
    EXPECT_EQ(bind_to(socket), 0);
    EXPECT_NE(socket.port(), 0);
    EXPECT_EQ(bind_to(socket), WSAEINVAL) << "bound already";
}

TEST(compat_sockets, winsock_is_started_and_cleaned_up) {
    WSADATA data{};
    EXPECT_EQ(WSAStartup(MAKEWORD(2, 2), &data), 0);
    EXPECT_EQ(data.wVersion, MAKEWORD(2, 2));
    EXPECT_EQ(WSAStartup(MAKEWORD(2, 2), nullptr), WSAEFAULT);
    EXPECT_EQ(WSACleanup(), 0);
    EXPECT_EQ(WSACleanup(), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSANOTINITIALISED);
}

TEST(compat_sockets, a_connection_carries_bytes_both_ways) {
    const own_socket acquiring(SOCK_STREAM);
    const auto got = acquire(acquiring, 1);
    const own_socket listener(SOCK_STREAM);
    ASSERT_EQ(associate(listener, got.token).result, 0);
    ASSERT_EQ(bind_to(listener), 0);
    ASSERT_EQ(listen(listener.get(), 4), 0);
    const own_socket client(SOCK_STREAM);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(got.first);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(client.get(), reinterpret_cast<SOCKADDR*>(&to), sizeof to), 0);
    sockaddr_in from{};
    int from_size = sizeof from;
    const own_socket session(accept(listener.get(), reinterpret_cast<SOCKADDR*>(&from), &from_size));
    ASSERT_NE(session.get(), INVALID_SOCKET);
    EXPECT_EQ(ntohs(from.sin_port), client.port());
    char text[8] = {};
    ASSERT_EQ(send(client.get(), "ping", 4, 0), 4);
    EXPECT_EQ(recv(session.get(), text, sizeof text, 0), 4);
    ASSERT_EQ(send(session.get(), text, 4u, 0), 4);
    EXPECT_EQ(recv(client.get(), text, sizeof text, 0), 4);
    EXPECT_STREQ(text, "ping");
    EXPECT_EQ(shutdown(client.get(), SD_SEND), 0);
    EXPECT_EQ(recv(session.get(), text, sizeof text, 0), 0);
}
