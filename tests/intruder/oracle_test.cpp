// The oracle sees what it must see: else 0 strangers would say nothing.
#include "support/oracle.hpp"

#include "plain_sockets.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace berth::test {
namespace {

std::uint64_t cookie_of(int descriptor) {
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    EXPECT_EQ(getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
    return cookie;
}

void expect_seen(int family, attacked what, oracle_protocol protocol) {
    const int s = new_socket(family, what);
    const std::uint16_t port = bind_anywhere(s);
    const auto seen = sockets_on(protocol, port);
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0].cookie, cookie_of(s));
    EXPECT_EQ(seen[0].uid, geteuid());
    EXPECT_EQ(seen[0].family, family);
    EXPECT_EQ(seen[0].in_proc, what == attacked::udp) << "/proc lists no TCP socket that is only bound";
    EXPECT_EQ(own_socket_inodes().count(seen[0].inode), 1u);
    EXPECT_TRUE(strangers_on(protocol, port).empty());
    close(s);
    EXPECT_TRUE(sockets_on(protocol, port).empty());
}

TEST(oracle, bound_sockets_of_both_families_are_seen_with_their_cookies) {
    for (int family : {AF_INET, AF_INET6}) {
        expect_seen(family, attacked::tcp, oracle_protocol::tcp);
        expect_seen(family, attacked::udp, oracle_protocol::udp);
    }
}

TEST(oracle, a_listener_and_its_connection_are_seen_in_both_sources) {
    const int listener = new_socket(AF_INET6, attacked::tcp);
    const std::uint16_t port = bind_anywhere(listener);
    ASSERT_EQ(listen(listener, 1), 0);
    const int client = new_socket(AF_INET, attacked::tcp);
    ASSERT_TRUE(connect_to(client, loopback::four, port));
    const int server = accept_soon(listener);
    ASSERT_GE(server, 0);
    const auto seen = sockets_on(oracle_protocol::tcp, port);
    ASSERT_EQ(seen.size(), 2u);
    for (const socket_seen& s : seen) EXPECT_TRUE(s.in_proc) << s;
    EXPECT_EQ(seen[0].state + seen[1].state, 10 + 1);
    for (int s : {client, server, listener}) close(s);
}

TEST(oracle, another_process_on_the_port_is_a_stranger) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        const std::uint16_t port = bind_anywhere(new_socket(AF_INET6, attacked::tcp));
        if (write(ready[1], &port, sizeof port) != sizeof port) _exit(1);
        pause();
        _exit(0);
    }
    std::uint16_t port = 0;
    ASSERT_EQ(read(ready[0], &port, sizeof port), static_cast<ssize_t>(sizeof port));
    EXPECT_EQ(strangers_on(oracle_protocol::tcp, port).size(), 1u);
    EXPECT_TRUE(strangers_on(oracle_protocol::udp, port).empty());
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    for (int s : ready) close(s);
}

TEST(oracle, a_port_next_to_the_range_is_left_out) {
    const int s = new_socket(AF_INET6, attacked::udp);
    const std::uint16_t port = bind_anywhere(s);
    const auto below = static_cast<std::uint16_t>(port - 1);
    for (const socket_seen& seen : sockets_on(oracle_protocol::udp, below, 1)) EXPECT_EQ(seen.port, below);
    EXPECT_EQ(sockets_on(oracle_protocol::udp, port, 1).size(), 1u);
    close(s);
}

}  // namespace
}  // namespace berth::test
