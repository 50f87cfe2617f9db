// Other processes, other threads, and what a process has too few of or says wrongly.
#include <gtest/gtest.h>

#include "ground.hpp"

#include <sys/resource.h>

#include <cstdlib>
#include <string>
#include <thread>

using namespace compat_test;

TEST(compat_processes, one_that_shares_nothing_can_neither_draw_nor_release) {
    documents::earlier_process stranger([](std::uint64_t token) {
        const own_socket socket(SOCK_DGRAM);
        if (release(socket, {token}).error != WSAEINVAL) return "it releases";
        return associate(socket, {token}).result == 0 ? "it associates" : "";
    });
    const own_socket acquiring(SOCK_DGRAM);
    const auto got = acquire(acquiring, 2);
    EXPECT_EQ(stranger.tell(got.token.Token), "");
    EXPECT_TRUE(documents::all_held(SOCK_DGRAM, got.first, 2));
}

TEST(compat_descriptors, run_out_and_nothing_is_left_half_held) {
    const auto outcome = documents::in_child([] {
        const own_socket socket(SOCK_DGRAM);
        const rlimit few{64, 64};
        ::setrlimit(RLIMIT_NOFILE, &few);
        const auto a = acquire(socket, 200).from;
        return a.error == WSAEMFILE ? std::string() : "error " + std::to_string(a.error);
    });
    EXPECT_EQ(outcome, "");
}

TEST(compat_last_error, belongs_to_its_thread_and_is_the_same_under_both_names) {
    EXPECT_EQ(socket(AF_INET, 77, 0), -1);
    const int here = WSAGetLastError();
    EXPECT_NE(here, 0);
    EXPECT_EQ(GetLastError(), static_cast<DWORD>(here));
    int there = -1;
    std::thread([&] { there = WSAGetLastError(); }).join();
    EXPECT_EQ(there, 0);
    EXPECT_EQ(WSAGetLastError(), here);
    const own_socket fine(SOCK_DGRAM);
    EXPECT_EQ(acquire(fine, 1).from.result, 0);
    SetLastError(5);
    EXPECT_EQ(WSAGetLastError(), 5);
}

TEST(compat_last_error, a_wrong_tcp_use_is_refused) {
    ASSERT_EQ(::setenv("BERTH_COMPAT_TCP_USE", "both", 1), 0);
    const own_socket socket(SOCK_STREAM);
    EXPECT_EQ(acquire(socket, 1).from.error, WSAEINVAL);
    ASSERT_EQ(::setenv("BERTH_COMPAT_TCP_USE", "connect", 1), 0);
    const auto got = acquire(socket, 1);
    ::unsetenv("BERTH_COMPAT_TCP_USE");
    ASSERT_EQ(got.from.result, 0) << got.from.error;
    const own_socket client(SOCK_STREAM);
    ASSERT_EQ(associate(client, got.token).result, 0);
    ASSERT_EQ(bind_to(client), 0);
    const own_socket listener(SOCK_STREAM);
    ASSERT_EQ(bind_to(listener), 0);
    ASSERT_EQ(listen(listener.get(), 1), 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(listener.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(client.get(), reinterpret_cast<SOCKADDR*>(&to), sizeof to), 0) << WSAGetLastError();
    EXPECT_EQ(client.port(), got.first);
}
