// Traps of a listener that never stops listening: who gets in while it is parked, and what its children inherit.
#include "scenario/trap_ground.hpp"

#include <netinet/tcp.h>

namespace {

using namespace traps;

class trap_listener : public by_parking {};
BERTH_TRAPS_BY_PARKING(trap_listener);

constexpr int ip_minttl = 21, ipv6_minhopcount = 73;

void expect_nobody_waits(const bound_port& port) { EXPECT_FALSE(becomes(port.io_handle(), POLLIN, 50)); }

void abort_on_close(int fd) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
}

TEST_P(trap_listener, a_client_with_the_highest_ttl_queued_while_parked_never_reaches_the_next_owner) {
    for (const auto family : families) {
        auto reservation = reserve(transport::tcp, family);
        for (const int speaker : speakers(family)) {
            SCOPED_TRACE(testing::Message() << "family " << int(family) << ", client " << speaker);
            const bool leaks =
                berth::query_capabilities(GetParam()).park_tcp_listen == berth::park_method::minimum_ttl;
            const auto before = reservation.statistics().discarded;
            descriptor caller = client(speaker, reservation.block().first, 255);
            EXPECT_EQ(becomes(caller, POLLOUT, 50), leaks);
            (void)::send(caller, "stale", 5, MSG_NOSIGNAL);
            if (!leaks) caller.close();  // else it would try again, and be a client of the next session by right
            auto port = take(reservation);
            expect_nobody_waits(port);
            EXPECT_EQ(reservation.statistics().discarded - before, leaks ? 1u : 0u);
            EXPECT_EQ(serves(port.io_handle(), speaker, port.port()), "");
        }
    }
}

TEST_P(trap_listener, a_syn_to_a_parked_listener_is_answered_by_silence) {
    EXPECT_TRUE(berth::query_capabilities(GetParam()).parked_listener_is_silent);
    for (const auto family : families) {
        auto reservation = reserve(transport::tcp, family);
        for (const int speaker : speakers(family)) {
            const descriptor caller = client(speaker, reservation.block().first);
            EXPECT_FALSE(becomes(caller, POLLIN | POLLOUT, 100)) << "reset, or let in";
        }
    }
}

TEST_P(trap_listener, clients_that_were_queued_and_not_accepted_end_with_the_session) {
    auto reservation = reserve(transport::tcp);
    auto port = take(reservation);
    std::vector<descriptor> callers;
    for (int i = 0; i < 20; ++i) {
        callers.push_back(client(i % 2 == 0 ? AF_INET : AF_INET6, port.port()));
        ASSERT_TRUE(becomes(callers.back(), POLLOUT, 1000));
    }
    give_back(port);
    EXPECT_EQ(reservation.statistics().discarded, 20u);
    for (const auto& caller : callers) EXPECT_TRUE(becomes(caller, POLLIN | POLLHUP, 1000)) << "not told";
    port = take(reservation);
    expect_nobody_waits(port);
    EXPECT_EQ(serves(port.io_handle(), AF_INET, port.port()), "");
}

// TCP_DEFER_ACCEPT makes the half-open client: the handshake ends with its first data.
TEST_P(trap_listener, a_half_open_connection_that_completes_while_parked_never_reaches_the_next_owner) {
    for (const auto family : families) {
        auto reservation = reserve(transport::tcp, family);
        for (const int speaker : speakers(family)) {
            auto port = take(reservation);
            set_int(port.native_handle(), IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
            descriptor caller = client(speaker, port.port());
            ASSERT_TRUE(becomes(caller, POLLOUT, 1000));
            expect_nobody_waits(port);
            give_back(port);
            abort_on_close(caller);
            ASSERT_EQ(::send(caller, "stale", 5, MSG_NOSIGNAL), 5);
            becomes(caller, POLLIN, 20);
            port = take(reservation);
            EXPECT_EQ(option(port.io_handle(), IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
            caller.close();
            expect_nobody_waits(port);
            EXPECT_EQ(serves(port.io_handle(), speaker, port.port()), "");
        }
    }
}

void exchange(int a, int b) {
    ASSERT_EQ(::send(a, "ping", 4, MSG_NOSIGNAL), 4);
    EXPECT_EQ(next_datagram(b, 1000), "ping");
    ASSERT_EQ(::send(b, "pong", 4, MSG_NOSIGNAL), 4);
    EXPECT_EQ(next_datagram(a, 1000), "pong");
}

TEST_P(trap_listener, accepted_children_go_on_through_park_and_the_next_session) {
    for (const auto family : families) {
        auto reservation = reserve(transport::tcp, family);
        std::vector<std::pair<descriptor, descriptor>> pairs;
        for (int session = 0; session < 3; ++session) {
            auto port = take(reservation);
            for (const int speaker : speakers(family)) {
                descriptor caller = client(speaker, port.port());
                ASSERT_TRUE(becomes(port.io_handle(), POLLIN, 1000));
                pairs.emplace_back(std::move(caller), descriptor(::accept4(port.io_handle(), nullptr, nullptr, 0)));
            }
            for (const auto& [caller, child] : pairs) exchange(caller, child);
            give_back(port);
            for (const auto& [caller, child] : pairs) exchange(caller, child);
        }
    }
}

TEST_P(trap_listener, a_child_has_none_of_what_parking_needs) {
    for (const auto family : families) {
        auto reservation = reserve(transport::tcp, family);
        for (int session = 0; session < 2; ++session) {
            auto port = take(reservation);
            for (const int speaker : speakers(family)) {
                const descriptor caller = client(speaker, port.port());
                ASSERT_TRUE(becomes(port.io_handle(), POLLIN, 1000));
                const descriptor child(::accept4(port.io_handle(), nullptr, nullptr, SOCK_CLOEXEC));
                ASSERT_GE(child, 0);
                if (family != address_family::ipv6) {
                    EXPECT_EQ(option(child, IPPROTO_IP, ip_minttl), 0);
                }
                if (family != address_family::ipv4) {
                    EXPECT_EQ(option(child, IPPROTO_IPV6, ipv6_minhopcount), 0);
                }
            }
            give_back(port);
        }
    }
}

TEST_P(trap_listener, a_listener_that_was_shut_down_listens_for_the_next_owner) {
    for (const auto family : families) {
        auto reservation = reserve(transport::tcp, family);
        auto port = take(reservation);
        ASSERT_EQ(::shutdown(port.native_handle(), SHUT_RD), 0);
        give_back(port);
        EXPECT_EQ(reservation.statistics().condemned, 1u);
        port = take(reservation);
        EXPECT_EQ(reservation.statistics().renewed, 1u);
        for (const int speaker : speakers(family)) EXPECT_EQ(serves(port.io_handle(), speaker, port.port()), "");
        give_back(port);
        const descriptor caller = client(speakers(family).front(), reservation.block().first);
        EXPECT_FALSE(becomes(caller, POLLIN | POLLOUT, 100)) << "the new socket is parked like the old one";
    }
}

}  // namespace
