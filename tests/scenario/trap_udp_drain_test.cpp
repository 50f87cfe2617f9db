// Traps of emptying a UDP socket: what ends a careless drain early, and what no drain reaches.
//
// Each session leaves something nasty; the next owner of the same port must find a socket without a past.
#include "scenario/trap_ground.hpp"

#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/udp.h>

namespace {

using namespace traps;

class trap_udp_drain : public by_parking {};
BERTH_TRAPS_BY_PARKING(trap_udp_drain);

void expect_as_new(const bound_port& port, address_family family) {
    EXPECT_EQ(next_datagram(port.io_handle(), 0), "nothing");
    EXPECT_EQ(pending_error(port.io_handle()), 0);
    char sink[64];
    iovec part{sink, sizeof sink};
    msghdr message{};
    message.msg_iov = &part, message.msg_iovlen = 1;
    EXPECT_LT(::recvmsg(port.io_handle(), &message, MSG_ERRQUEUE | MSG_DONTWAIT), 0);
    pollfd state{port.io_handle(), POLLIN, 0};
    EXPECT_EQ(::poll(&state, 1, 0), 0) << "revents " << state.revents;
    for (const int speaker : speakers(family)) EXPECT_EQ(hears(port.io_handle(), speaker, port.port()), "");
}

TEST_P(trap_udp_drain, a_zero_length_datagram_at_the_head_does_not_end_the_drain) {
    for (const auto family : families) {
        auto reservation = reserve(transport::udp, family);
        auto port = take(reservation);
        for (const int speaker : speakers(family)) {
            for (const char* text : {"", "stale", "", "stale too"}) say(speaker, port.port(), text);
        }
        ASSERT_TRUE(becomes(port.io_handle(), POLLIN, 1000));
        give_back(port);
        EXPECT_EQ(reservation.statistics().discarded, 4 * speakers(family).size());
        port = take(reservation);
        expect_as_new(port, family);
    }
}

TEST_P(trap_udp_drain, a_pending_refusal_does_not_end_the_drain) {
    auto reservation = reserve(transport::udp, address_family::ipv4);
    auto port = take(reservation);
    say(AF_INET, port.port(), "stale");
    const auto closed = loopback4(1);
    ASSERT_EQ(::connect(port.native_handle(), name(closed), sizeof closed), 0);
    for (int i = 0; i < 3; ++i) (void)::send(port.native_handle(), "?", 1, 0);
    ASSERT_TRUE(becomes(port.native_handle(), POLLERR, 1000)) << "the refusal is not there";
    give_back(port);
    port = take(reservation);
    expect_as_new(port, address_family::ipv4);
}

TEST_P(trap_udp_drain, an_error_queue_is_emptied_and_switched_off) {
    for (const auto family : families) {
        auto reservation = reserve(transport::udp, family);
        auto port = take(reservation);
        const int lent = port.native_handle();
        if (family != address_family::ipv6) set_int(lent, IPPROTO_IP, IP_RECVERR, 1);
        if (family != address_family::ipv4) set_int(lent, IPPROTO_IPV6, IPV6_RECVERR, 1);
        for (const int speaker : speakers(family)) {
            const auto closed = loopback_for(family, speaker, 1);
            (void)::sendto(lent, "?", 1, 0, closed.get(), closed.size);  // may report the refusal of the last one
        }
        ASSERT_TRUE(becomes(lent, POLLERR, 1000));
        give_back(port);
        port = take(reservation);
        for (const int speaker : speakers(family)) {  // refused again: the next owner must not hear of that either
            const auto closed = loopback_for(family, speaker, 1);
            ASSERT_EQ(::sendto(port.io_handle(), "?", 1, 0, closed.get(), closed.size), 1);
        }
        expect_as_new(port, family);
    }
}

// Unlike RECVERR's, these entries stay when their option is switched off.
TEST_P(trap_udp_drain, transmit_timestamps_in_the_error_queue_are_thrown_away) {
    constexpr int transmit_software = 1 << 1, report_software = 1 << 4;  // SOF_TIMESTAMPING_*
    for (const auto family : families) {
        auto reservation = reserve(transport::udp, family);
        auto port = take(reservation);
        const int lent = port.native_handle();
        set_int(lent, SOL_SOCKET, SO_TIMESTAMPING, transmit_software | report_software);
        for (const int speaker : speakers(family)) {
            const auto anywhere = loopback_for(family, speaker, port.port());
            ASSERT_EQ(::sendto(lent, "!", 1, 0, anywhere.get(), anywhere.size), 1);
        }
        ASSERT_TRUE(becomes(lent, POLLERR, 1000));
        give_back(port);
        port = take(reservation);
        expect_as_new(port, family);
        EXPECT_EQ(reservation.statistics().condemned, 0u) << "one socket throughout";
    }
}

TEST_P(trap_udp_drain, data_held_back_by_more_or_cork_is_not_mixed_into_the_next_session) {
    for (const bool cork : {false, true}) {
        auto reservation = reserve(transport::udp, address_family::ipv4);
        const descriptor old_peer = bound_socket(AF_INET, SOCK_DGRAM), new_peer = bound_socket(AF_INET, SOCK_DGRAM);
        const auto to_old = loopback4(port_of(old_peer)), to_new = loopback4(port_of(new_peer));
        auto port = take(reservation);
        if (cork) set_int(port.native_handle(), IPPROTO_UDP, UDP_CORK, 1);
        ASSERT_EQ(::sendto(port.io_handle(), "OLD", 3, cork ? 0 : MSG_MORE, name(to_old), sizeof to_old), 3);
        give_back(port);
        port = take(reservation);
        ASSERT_EQ(::sendto(port.io_handle(), "new", 3, 0, name(to_new), sizeof to_new), 3);
        EXPECT_EQ(next_datagram(new_peer, 500), "new");
        EXPECT_EQ(next_datagram(old_peer, 500), "OLD") << "it was the old session's to send";
        EXPECT_EQ(next_datagram(old_peer, 0), "nothing");
    }
}

int join(int fd, int family) {
    const ip_mreqn group4{{htonl(0xef010101)}, {htonl(INADDR_LOOPBACK)}, 0};
    ipv6_mreq group6{{}, ::if_nametoindex("lo")};
    EXPECT_EQ(::inet_pton(AF_INET6, "ff01::1234", &group6.ipv6mr_multiaddr), 1);
    const int r = family == AF_INET ? ::setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group4, sizeof group4)
                                    : ::setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group6, sizeof group6);
    return r == 0 ? 0 : errno;
}

// IPv4 alone: lo has no route to IPv6 groups.
bool group_is_heard(std::uint16_t port, int receiver) {
    const descriptor sender = make_socket(AF_INET, SOCK_DGRAM);
    const in_addr lo{htonl(INADDR_LOOPBACK)};
    EXPECT_EQ(::setsockopt(sender, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof lo), 0);
    sockaddr_in group = loopback4(port);
    group.sin_addr.s_addr = htonl(0xef010101);
    EXPECT_EQ(::sendto(sender, "group", 5, 0, name(group), sizeof group), 5);
    return next_datagram(receiver, 100) == "group";
}

TEST_P(trap_udp_drain, a_multicast_membership_ends_with_its_session) {
    for (const auto family : families) {
        auto reservation = reserve(transport::udp, family);
        for (const int speaker : speakers(family)) {
            auto port = take(reservation);
            ASSERT_EQ(join(port.native_handle(), speaker), 0);
            ASSERT_TRUE(speaker == AF_INET6 || group_is_heard(port.port(), port.io_handle()));
            give_back(port);
            port = take(reservation);
            EXPECT_FALSE(speaker == AF_INET && group_is_heard(port.port(), port.io_handle()));
            EXPECT_EQ(join(port.native_handle(), speaker), 0) << "a member already";
            expect_as_new(port, family);
        }
    }
}

}  // namespace
