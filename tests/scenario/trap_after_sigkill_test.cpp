// Trap: what a killed owner leaves (TIME_WAIT, FIN_WAIT2, connections of accepted children) can block the next
// reserve of the same ports for a minute, if its sockets lacked SO_REUSEADDR.
//
// The same block must be held again within a second, and nobody may come in with the help of the remains.
#include "scenario/trap_ground.hpp"

#include <chrono>
#include <thread>

namespace {

using namespace traps;
using clock_type = std::chrono::steady_clock;

class trap_after_sigkill : public by_parking {
protected:
    // The owner's process: reserves one port, runs a session and reports; then it waits to be killed.
    template <class Session>
    std::uint16_t own(int to, tcp_use use, Session session) {
        auto reservation = std::make_unique<port_reservation>(reserve(transport::tcp, address_family::dual, use));
        report(to, reservation->block().first);
        session(*new bound_port(take(*reservation)));
        (void)reservation.release();  // no destructor: the end is to be sudden
        return 1;
    }

    port_reservation reserve_again(std::uint16_t port, tcp_use use) {
        auto request = ask(transport::tcp, address_family::dual, use);
        request.block.first = port;
        const auto end = clock_type::now() + std::chrono::seconds(1);
        for (;;) {
            berth::failure f;
            auto again = port_reservation::reserve(request, f);
            if (again || clock_type::now() > end) {
                EXPECT_TRUE(again) << f.what;
                return again;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }

    static void expect_closed(std::uint16_t port) {
        for (const int family : {AF_INET, AF_INET6}) {
            for (const bool reuse : {false, true}) EXPECT_EQ(try_bind(family, SOCK_STREAM, port, reuse), EADDRINUSE);
        }
    }
};
BERTH_TRAPS_BY_PARKING(trap_after_sigkill);

TEST_P(trap_after_sigkill, a_listening_block_with_children_in_every_state_is_reserved_again) {
    doomed_process owner([this](int to) {
        return own(to, tcp_use::listen, [](bound_port& port) {
            for (int i = 0; i < 3; ++i) {
                becomes(port.io_handle(), POLLIN, 5000);
                const int child = ::accept4(port.io_handle(), nullptr, nullptr, SOCK_CLOEXEC);
                if (i < 2)
                    ::shutdown(child, SHUT_WR);  // the first client closes: TIME_WAIT; the second not: FIN_WAIT2
                if (i == 0) {
                    next_datagram(child, 5000);
                    ::close(child);
                }
            }
        });
    });
    const auto port = owner.hear();
    ASSERT_NE(port, 0);
    std::vector<descriptor> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(make_socket(AF_INET, SOCK_STREAM));
        const auto to = loopback_for(address_family::ipv4, AF_INET, port);
        const auto end = clock_type::now() + std::chrono::seconds(5);
        while (connect_within(clients.back(), to, 5000) != 0 && clock_type::now() < end) {
        }
        if (i == 0) {
            EXPECT_EQ(next_datagram(clients.back(), 5000), "");
            clients.back().close();
        }
    }
    ASSERT_EQ(owner.hear(), 1);
    owner.kill();

    auto again = reserve_again(port, tcp_use::listen);
    expect_closed(port);
    auto next = take(again);
    for (const int family : {AF_INET, AF_INET6}) EXPECT_EQ(serves(next.io_handle(), family, port), "");
    expect_closed(port);
}

TEST_P(trap_after_sigkill, an_outbound_block_with_a_time_wait_is_reserved_again) {
    const descriptor server = listener(AF_INET6);
    const auto destination = loopback_for(address_family::dual, AF_INET, port_of(server));
    doomed_process owner([&](int to) {
        return own(to, tcp_use::connect, [&](bound_port& port) {
            connect_within(port.io_handle(), destination, 5000);
            ::shutdown(port.io_handle(), SHUT_WR);
            next_datagram(port.io_handle(), 5000);  // the server's end
            error_code ignored;
            port.give_back(ignored);
        });
    });
    const auto port = owner.hear();
    ASSERT_NE(port, 0);
    ASSERT_TRUE(becomes(server, POLLIN, 5000));
    descriptor served(::accept4(server, nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_EQ(next_datagram(served, 5000), "");
    served.close();
    ASSERT_EQ(owner.hear(), 1);
    owner.kill();

    auto again = reserve_again(port, tcp_use::connect);
    expect_closed(port);
    auto next = take(again);
    EXPECT_EQ(connect_within(next.io_handle(), destination, 1000), 0);
}

TEST_P(trap_after_sigkill, an_outbound_block_with_a_live_peer_is_reserved_again) {
    const descriptor server = listener(AF_INET6);
    const auto destination = loopback_for(address_family::dual, AF_INET6, port_of(server));
    doomed_process owner([&](int to) {
        return own(to, tcp_use::connect, [&](bound_port& port) {
            connect_within(port.io_handle(), destination, 5000);
            ::send(port.io_handle(), "last words", 10, MSG_NOSIGNAL);
        });
    });
    const auto port = owner.hear();
    ASSERT_NE(port, 0);
    ASSERT_TRUE(becomes(server, POLLIN, 5000));
    const descriptor served(::accept4(server, nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_EQ(owner.hear(), 1);
    owner.kill();  // FIN_WAIT2 on our side: the peer does not close

    auto again = reserve_again(port, tcp_use::connect);
    expect_closed(port);
    auto next = take(again);
    const descriptor other = listener(AF_INET6);
    EXPECT_EQ(connect_within(next.io_handle(), loopback_for(address_family::dual, AF_INET6, port_of(other)), 1000),
              0);
}

TEST_P(trap_after_sigkill, a_udp_block_is_reserved_again) {
    doomed_process owner([this](int) -> std::uint16_t {
        auto* const reservation = new port_reservation(reserve(transport::udp));
        return reservation->block().first;
    });
    const auto port = owner.hear();
    ASSERT_NE(port, 0);
    owner.kill();
    auto request = ask(transport::udp);
    request.block.first = port;
    berth::failure f;
    auto again = port_reservation::reserve(request, f);
    ASSERT_TRUE(again) << f.what;
    auto next = take(again);
    for (const int family : {AF_INET, AF_INET6}) EXPECT_EQ(hears(next.io_handle(), family, port), "");
}

}  // namespace
