// Traps that spoil a UDP socket for good, and the loopback that parking may rest on going down.
//
// A spoilt socket is replaced and counted; the port is never lost, and the next owner finds a socket that works.
#include "scenario/trap_ground.hpp"
#include "support/filters.hpp"

#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cstdlib>

namespace {

using namespace traps;

class trap_udp_poison : public by_parking {
protected:
    // One session spoils the socket; the next one must hear and be heard.
    void expect_replaced(address_family family, const std::function<void(int socket)>& spoil) {
        auto reservation = reserve(transport::udp, family);
        auto port = take(reservation);
        spoil(port.native_handle());
        give_back(port);
        EXPECT_EQ(reservation.statistics().ports.available, 0u);
        EXPECT_EQ(reservation.statistics().ports.condemned, 1u);
        EXPECT_EQ(reservation.reclaim(), 1u);
        const auto books = reservation.statistics();
        EXPECT_EQ(books.ports.available, 1u);
        EXPECT_EQ(books.condemned, 1u);
        EXPECT_EQ(books.renewed, 1u);
        port = take(reservation);
        expect_works(port, family);
    }
    static void expect_works(const bound_port& port, address_family family) {
        for (const int speaker : speakers(family)) {
            EXPECT_EQ(hears(port.io_handle(), speaker, port.port()), "");
            const descriptor peer = bound_socket(speaker, SOCK_DGRAM);
            const auto to = loopback_for(family, speaker, port_of(peer));
            ASSERT_EQ(::sendto(port.io_handle(), "out", 3, 0, to.get(), to.size), 3) << strerror(errno);
            EXPECT_EQ(next_datagram(peer, 1000), "out");
        }
    }
};
BERTH_TRAPS_BY_PARKING(trap_udp_poison);

TEST_P(trap_udp_poison, a_socket_that_was_shut_down_is_replaced) {
    for (const auto family : families) {
        expect_replaced(family, [&](int socket) {
            const auto peer = loopback_for(family, speakers(family).front(), 9);
            ASSERT_EQ(::connect(socket, peer.get(), peer.size), 0);
            ASSERT_EQ(::shutdown(socket, SHUT_RDWR), 0);
        });
    }
}

TEST_P(trap_udp_poison, a_socket_whose_filter_was_locked_is_replaced) {
    if (!berth::testing_support::filters_answer()) GTEST_SKIP() << "this kernel's BPF stands still";
    for (const auto family : families) {
        expect_replaced(family, [](int socket) {
            sock_filter nothing{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
            const sock_fprog program{.len = 1, .filter = &nothing};
            ASSERT_EQ(::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
            set_int(socket, SOL_SOCKET, SO_LOCK_FILTER, 1);
        });
    }
}

TEST_P(trap_udp_poison, a_socket_with_a_transmit_clock_is_replaced) {
    expect_replaced(address_family::dual, [](int socket) {
        const sock_txtime clock{.clockid = CLOCK_MONOTONIC, .flags = 0};
        if (::setsockopt(socket, SOL_SOCKET, SO_TXTIME, &clock, sizeof clock) != 0) {
            const auto peer = loopback6(9);  // needs a privilege here: spoil it otherwise
            ASSERT_EQ(::connect(socket, name(peer), sizeof peer), 0);
        }
    });
}

TEST_P(trap_udp_poison, a_filter_of_the_callers_own_is_gone_or_its_socket_is) {
    if (!berth::testing_support::filters_answer()) GTEST_SKIP() << "this kernel's BPF stands still";
    for (const auto family : families) {
        auto reservation = reserve(transport::udp, family);
        auto port = take(reservation);
        sock_filter nothing{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
        const sock_fprog program{.len = 1, .filter = &nothing};
        ASSERT_EQ(::setsockopt(port.native_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
        give_back(port);
        port = take(reservation);
        expect_works(port, family);
        give_back(port);  // and it can still be silenced
        say(speakers(family).front(), reservation.block().first, "while parked");
        port = take(reservation);
        EXPECT_EQ(next_datagram(port.io_handle(), 50), "nothing");
    }
}

TEST_P(trap_udp_poison, a_socket_bound_to_a_device_is_freed_or_replaced) {
    for (const auto family : families) {
        auto reservation = reserve(transport::udp, family);
        auto port = take(reservation);
        const int lo = static_cast<int>(::if_nametoindex("lo"));
        constexpr int so_bindtoifindex = 62, nowhere = 0x7ffffff0;
        set_int(port.native_handle(), SOL_SOCKET, so_bindtoifindex, lo + nowhere);
        give_back(port);
        port = take(reservation);
        expect_works(port, family);
    }
}

// By its address: of an interface that is only down the address stays, and can still be connected to.
void set_loopback(bool there) {
    const descriptor fd = make_socket(AF_INET, SOCK_DGRAM);
    ifreq lo{};
    std::memcpy(lo.ifr_name, "lo", sizeof "lo");
    auto address = loopback4(0);
    if (!there) address.sin_addr.s_addr = htonl(INADDR_ANY);
    std::memcpy(&lo.ifr_addr, &address, sizeof address);
    ASSERT_EQ(::ioctl(fd, SIOCSIFADDR, &lo), 0) << strerror(errno);
}

class trap_loopback_down : public trap_udp_poison {
protected:
    void SetUp() override {
        if (std::getenv("BERTH_OWN_NAMESPACE") == nullptr) GTEST_SKIP() << "no network namespace of its own";
        if (::geteuid() != 0) GTEST_SKIP() << "only root changes addresses";
    }
    void TearDown() override {
        if (!IsSkipped()) set_loopback(true);
    }
};
BERTH_TRAPS_BY_PARKING(trap_loopback_down);

TEST_P(trap_loopback_down, a_block_is_reserved_and_parked_without_loopback) {
    set_loopback(false);
    auto reservation = reserve(transport::udp, address_family::ipv4);
    auto port = take(reservation);
    give_back(port);
    EXPECT_EQ(reservation.statistics().condemned, 0u);
    set_loopback(true);
    say(AF_INET, reservation.block().first, "while parked");
    port = take(reservation);
    EXPECT_EQ(next_datagram(port.io_handle(), 50), "nothing");
    expect_works(port, address_family::ipv4);
}

TEST_P(trap_loopback_down, loopback_that_goes_down_later_costs_no_port) {
    auto reservation = reserve(transport::udp, address_family::ipv4);
    for (int session = 0; session < 3; ++session) {
        auto port = take(reservation);
        set_loopback(false);
        give_back(port);
        EXPECT_EQ(reservation.statistics().ports.available, 1u) << "session " << session;
        port = take(reservation);  // without loopback: a server on another interface goes on
        give_back(port);
        set_loopback(true);
        say(AF_INET, reservation.block().first, "while parked");
        port = take(reservation);
        EXPECT_EQ(next_datagram(port.io_handle(), 50), "nothing");
        expect_works(port, address_family::ipv4);
    }
}

}  // namespace
