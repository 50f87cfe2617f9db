// The holder process is killed under load, and its ports can be reserved again at once.
//
// The killed process serves accepted clients whose other ends live on in this process, speaks UDP and has outbound
// connections, so that the kernel has remains of all kinds to clear away.
#include "failing_ground.hpp"
#include "loopback.hpp"

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>

namespace berth::test {
namespace {

using steady = std::chrono::steady_clock;
constexpr std::uint32_t ports = 16;

reservation_request ask(transport protocol, tcp_use use, port_block block) {
    reservation_request r;
    r.block = block, r.protocol = protocol, r.use = use, r.family = address_family::dual;
    return r;
}

struct blocks {
    port_block listen, outbound, udp;
};

// Never returns: serves until it is killed.
[[noreturn]] void hold_and_serve(const blocks& b, const destination& to, int ready) {
    auto listeners = port_reservation::reserve(ask(transport::tcp, tcp_use::listen, b.listen));
    auto outbound = port_reservation::reserve(ask(transport::tcp, tcp_use::connect, b.outbound));
    auto udp = port_reservation::reserve(ask(transport::udp, tcp_use::listen, b.udp));
    std::vector<bound_port> held;
    error_code ec;
    for (std::uint32_t i = 0; i < ports; ++i) {
        held.push_back(listeners.take(ec));
        if (i % 2 == 0) held.push_back(udp.take(ec));
        held.push_back(outbound.take(ec));
        connect_to(held.back().io_handle(), AF_INET6, to.port);
    }
    if (::write(ready, "r", 1) != 1) std::_Exit(1);
    std::vector<int> clients;
    for (;;) {  // all that comes, until the end
        for (auto& p : held) {
            const int fd = ::accept4(p.io_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (fd >= 0) clients.push_back(fd);
        }
        for (std::size_t i = 0; i < clients.size(); ++i) {
            if (::send(clients[i], "hello", 5, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 || i % 3 == 0) continue;
            ::shutdown(clients[i], SHUT_WR);
        }
        ::write(ready, "s", 1);
        ::usleep(200);
    }
}

TEST(process_end, a_killed_holders_ports_can_be_reserved_again_within_a_second) {
    blocks b{free_block(ports), {}, {}};
    std::vector<double> took;
    for (int round = 0; round < 20; ++round) {
        {
            auto one = port_reservation::reserve(ask(transport::tcp, tcp_use::listen, {0, ports}));
            auto two = port_reservation::reserve(ask(transport::tcp, tcp_use::connect, {0, ports}));
            auto three = port_reservation::reserve(ask(transport::udp, tcp_use::listen, {0, ports}));
            b = {one.block(), two.block(), three.block()};
        }
        const destination to;
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const pid_t holder = ::fork();
        ASSERT_GE(holder, 0);
        if (holder == 0) {
            ::close(ends[0]);
            try {
                hold_and_serve(b, to, ends[1]);
            } catch (const std::exception& e) {
                std::cerr << e.what() << '\n';
            }
            std::_Exit(1);
        }
        ::close(ends[1]);
        char word = 0;
        ASSERT_EQ(::read(ends[0], &word, 1), 1) << "the holder could not reserve";
        std::vector<int> clients;
        for (std::uint32_t i = 0; i < 3 * ports; ++i) {
            clients.push_back(connected_client(static_cast<std::uint16_t>(b.listen.first + i % ports)));
        }
        EXPECT_EQ(std::count(clients.begin(), clients.end(), -1), 0) << "the holder does not serve";
        EXPECT_TRUE(std::any_of(clients.begin(), clients.end(), [](int c) { return readable(c); }));
        for (std::size_t i = 0; i < clients.size(); i += 3) {
            ::close(clients[i]);  // some leave first
            clients[i] = -1;
        }
        ::usleep(static_cast<useconds_t>(round * 300));
        failure f;
        EXPECT_FALSE(port_reservation::reserve(ask(transport::udp, tcp_use::listen, b.udp), f)) << "it did not hold";

        ASSERT_EQ(::kill(holder, SIGKILL), 0);
        const auto began = steady::now();
        port_reservation again[3];
        const reservation_request wanted[3] = {ask(transport::tcp, tcp_use::listen, b.listen),
                                               ask(transport::tcp, tcp_use::connect, b.outbound),
                                               ask(transport::udp, tcp_use::listen, b.udp)};
        for (int i = 0; i < 3; ++i) {
            do {
                again[i] = port_reservation::reserve(wanted[i], f);
            } while (!again[i] && steady::now() - began < std::chrono::seconds(5));
            EXPECT_TRUE(again[i]) << "round " << round << ": " << f.what;
        }
        took.push_back(std::chrono::duration<double, std::milli>(steady::now() - began).count());
        EXPECT_LT(took.back(), 1000) << "round " << round;
        int status = 0;
        ASSERT_EQ(::waitpid(holder, &status, 0), holder);
        EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        error_code ec;
        for (auto& r : again) EXPECT_TRUE(r.take(ec)) << ec.message();
        for (const int c : clients) {
            if (c >= 0) ::close(c);
        }
        ::close(ends[0]);
    }
    std::sort(took.begin(), took.end());
    std::cout << "reserved again after SIGKILL: median " << took[took.size() / 2] << " ms, worst " << took.back()
              << " ms (three blocks of " << ports << " ports)\n";
}

}  // namespace
}  // namespace berth::test
