// The kernel's books: what a dump lists, and how it copes with errors and interruptions.
#include "platform/linux/socket_dump.hpp"

#include <linux/netlink.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

#include "unit/linux/kernel_sockets.hpp"

namespace {

using namespace berth::platform;
using namespace berth_test;

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

const socket_row* find(const std::vector<socket_row>& rows, std::uint64_t cookie) {
    const auto at = std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.cookie == cookie; });
    return at == rows.end() ? nullptr : &*at;
}

std::vector<socket_row> dump(bool tcp, std::uint16_t first, std::uint32_t count, bool all = true) {
    std::vector<socket_row> rows;
    EXPECT_EQ(dump_sockets(linux_calls(), tcp, first, count, rows, all), 0);
    return rows;
}

TEST(socket_dump, lists_udp_sockets_of_both_families_with_cookie_uid_and_inode) {
    for (const int family : {AF_INET, AF_INET6}) {
        const descriptor fd = bound_socket(family, SOCK_DGRAM);
        const auto rows = dump(false, port_of(fd), 1);
        const socket_row* row = find(rows, cookie_of(fd));
        ASSERT_NE(row, nullptr);
        EXPECT_EQ(row->port, port_of(fd));
        EXPECT_EQ(row->family, family);
        EXPECT_EQ(row->uid, ::getuid());
        EXPECT_EQ(row->inode, inode_of(fd));
        EXPECT_EQ(row->state, 7);
    }
}

bool kernel_is_at_least(int major, int minor) {
    utsname here{};
    int its_major = 0, its_minor = 0;
    return ::uname(&here) == 0 && std::sscanf(here.release, "%d.%d", &its_major, &its_minor) == 2 &&
           std::pair(its_major, its_minor) >= std::pair(major, minor);
}

TEST(socket_dump, lists_bound_tcp_sockets_where_the_kernel_can) {
    const bool sees = dump_sees_bound_sockets(linux_calls());
    if (!sees && !kernel_is_at_least(6, 8)) GTEST_SKIP() << "this kernel does not list bound TCP sockets";
    ASSERT_TRUE(sees) << "since Linux 6.8 they are listed to whoever asks for them";
    const descriptor fd = bound_socket(AF_INET6, SOCK_STREAM);
    const auto rows = dump(true, port_of(fd), 1);
    const socket_row* row = find(rows, cookie_of(fd));
    ASSERT_NE(row, nullptr);
    EXPECT_EQ(row->state, 7);
    EXPECT_EQ(find(dump(true, port_of(fd), 1, false), cookie_of(fd)), nullptr);
}

TEST(socket_dump, lists_listeners_children_and_time_wait) {
    const descriptor server = listener(AF_INET6);
    descriptor caller = client(AF_INET, port_of(server));
    ASSERT_TRUE(becomes(server, POLLIN, 2000));
    descriptor child(::accept4(server, nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_GE(child, 0);
    const std::uint64_t child_cookie = cookie_of(child);
    const auto rows = dump(true, port_of(server), 1);
    EXPECT_NE(find(rows, cookie_of(server)), nullptr);
    EXPECT_NE(find(rows, child_cookie), nullptr);
    child.close();
    ASSERT_TRUE(becomes(caller, POLLIN, 2000));
    caller.close();
    const auto later = dump(true, port_of(server), 1);
    EXPECT_TRUE(std::any_of(later.begin(), later.end(), [](const auto& r) { return r.state == 6 && r.inode == 0; }));
}

TEST(socket_dump, leaves_out_ports_on_either_side) {
    const descriptor fd = bound_socket(AF_INET, SOCK_DGRAM);
    const std::uint16_t port = port_of(fd);
    EXPECT_EQ(find(dump(false, static_cast<std::uint16_t>(port - 1), 1), cookie_of(fd)), nullptr);
    EXPECT_EQ(find(dump(false, static_cast<std::uint16_t>(port + 1), 1), cookie_of(fd)), nullptr);
    EXPECT_NE(find(dump(false, static_cast<std::uint16_t>(port - 1), 3), cookie_of(fd)), nullptr);
}

TEST(socket_dump, of_the_whole_range_lists_the_same_sockets) {
    std::vector<descriptor> sockets;
    for (int i = 0; i < 500; ++i) sockets.push_back(bound_socket(i % 2 ? AF_INET : AF_INET6, SOCK_DGRAM));
    const auto rows = dump(false, 1, 65535);
    for (const auto& fd : sockets) EXPECT_NE(find(rows, cookie_of(fd)), nullptr);
}

TEST(socket_dump, shows_the_subflow_of_an_mptcp_listener_and_of_a_bound_mptcp_socket) {
    const descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP));
    if (fd < 0) GTEST_SKIP() << "no MPTCP in this kernel";
    const auto any = sockaddr_in{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
    ASSERT_EQ(::bind(fd, name(any), sizeof any), 0);
    if (dump_sees_bound_sockets(linux_calls())) {
        EXPECT_EQ(dump(true, port_of(fd), 1).size(), 1u) << "bound only";
    }
    ASSERT_EQ(::listen(fd, 1), 0);
    EXPECT_EQ(dump(true, port_of(fd), 1).size(), 1u) << "listening";
}

TEST(socket_dump, refuses_an_empty_range_and_one_past_the_last_port) {
    std::vector<socket_row> rows;
    EXPECT_EQ(dump_sockets(linux_calls(), true, 1, 0, rows), -EINVAL);
    EXPECT_EQ(dump_sockets(linux_calls(), true, 65535, 2, rows), -EINVAL);
    EXPECT_EQ(dump_sockets(linux_calls(), true, 65535, 1, rows), 0);
}

}  // namespace
