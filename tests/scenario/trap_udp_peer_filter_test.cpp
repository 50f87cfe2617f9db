// Trap: an AF_INET6 UDP socket that was connected once remembers its peer as a filter after connect(AF_UNSPEC).
//
// The next owner hears nobody but the last one's peer. No cure is known: the session socket must be another.
#include "scenario/trap_ground.hpp"

#include <asio/io_context.hpp>

#include <cstdio>
#include <fstream>

namespace {

using namespace traps;

class trap_udp_peer_filter : public by_parking {};
BERTH_TRAPS_BY_PARKING(trap_udp_peer_filter);

void expect_hears_everybody(const bound_port& port, address_family family) {
    for (const int speaker : speakers(family)) EXPECT_EQ(hears(port.io_handle(), speaker, port.port()), "");
}

// What the kernel does today, by a plain socket: if that ends, the condemning should end too.
bool kernel_remembers(int family) {
    const auto port = port_of(bound_socket(AF_INET6, SOCK_DGRAM));
    const descriptor fd = bound_socket(AF_INET6, SOCK_DGRAM, port);  // by number: else AF_UNSPEC would give it up
    const auto peer = loopback_for(address_family::dual, family, 9);
    const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
    EXPECT_EQ(::connect(fd, peer.get(), peer.size), 0);
    EXPECT_EQ(::connect(fd, &nobody, sizeof nobody), 0);
    std::ifstream table("/proc/net/udp6");
    char local[64];
    std::snprintf(local, sizeof local, ":%04X ", port);
    for (std::string line; std::getline(table, line);) {
        const auto at = line.find(local);
        if (at != line.npos && at < 50) return line.substr(at + 6, 32) != std::string(32, '0');
    }
    ADD_FAILURE() << "the socket is not listed";
    return false;
}

TEST_P(trap_udp_peer_filter, the_next_owner_hears_strangers_after_a_connect_through_native_handle) {
    for (const auto family : {address_family::dual, address_family::ipv6, address_family::ipv4}) {
        for (const int peer_family : speakers(family)) {
            SCOPED_TRACE(testing::Message() << "family " << int(family) << ", peer's " << peer_family);
            auto reservation = reserve(transport::udp, family);
            auto port = take(reservation);
            const auto peer = loopback_for(family, peer_family, 9);
            ASSERT_EQ(::connect(port.native_handle(), peer.get(), peer.size), 0);
            give_back(port);
            const bool must_go = family != address_family::ipv4 && kernel_remembers(peer_family);
            EXPECT_EQ(reservation.statistics().condemned, must_go ? 1u : 0u);
            port = take(reservation);
            expect_hears_everybody(port, family);
            EXPECT_EQ(reservation.statistics().renewed, must_go ? 1u : 0u);
        }
    }
}

TEST_P(trap_udp_peer_filter, the_next_owner_hears_strangers_after_an_asio_connect) {
    asio::io_context context;
    auto reservation = reserve(transport::udp);
    for (const char* peer : {"::1", "::ffff:127.0.0.1"}) {
        error_code ec;
        auto socket = reservation.take<asio::ip::udp::socket>(context.get_executor(), ec);
        ASSERT_FALSE(ec) << ec.message();
        socket->connect({asio::ip::make_address(peer), 9});
        socket.give_back(ec);
        auto port = take(reservation);
        expect_hears_everybody(port, address_family::dual);
    }
    EXPECT_EQ(reservation.statistics().condemned, reservation.statistics().renewed);
}

TEST_P(trap_udp_peer_filter, parking_itself_never_connects_a_socket_that_would_remember) {
    for (const auto family : {address_family::dual, address_family::ipv6}) {
        auto reservation = reserve(transport::udp, family);
        for (int session = 0; session < 5; ++session) {
            auto port = take(reservation);
            expect_hears_everybody(port, family);
        }
        EXPECT_EQ(reservation.statistics().condemned, 0u);
    }
}

}  // namespace
