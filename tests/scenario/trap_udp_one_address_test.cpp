// Trap: a UDP socket that is tagged with an interface that does not exist cannot be bound to one IPv6 address (ENODEV).
//
// So a block on one such address was refused, while the same block on all addresses was not.
#include "scenario/trap_ground.hpp"

namespace {

using namespace traps;

class trap_udp_one_address : public by_parking {};
BERTH_TRAPS_BY_PARKING(trap_udp_one_address);

TEST_P(trap_udp_one_address, a_block_on_the_loopback_address_is_held_silent_until_it_is_taken_and_hears_then) {
    for (const auto& [family, text] :
         {std::pair(address_family::ipv4, "127.0.0.1"), std::pair(address_family::ipv6, "::1")}) {
        SCOPED_TRACE(text);
        auto wanted = ask(transport::udp, family);
        wanted.address = asio::ip::make_address(text);
        auto reservation = port_reservation::reserve(wanted);
        const int speaker = family == address_family::ipv4 ? AF_INET : AF_INET6;
        EXPECT_EQ(try_bind(AF_INET6, SOCK_DGRAM, reservation.block().first), EADDRINUSE);
        for (int round = 0; round < 3; ++round) {
            say(speaker, reservation.block().first, "while it is parked");
            auto port = take(reservation);
            EXPECT_EQ(hears(port.io_handle(), speaker, port.port()), "");
            if (round == 1) ::shutdown(port.native_handle(), SHUT_RDWR);  // spoilt: the next one is another socket
            give_back(port);
            if (round == 1) reservation.reclaim();
        }
        EXPECT_EQ(reservation.statistics().renewed, 1U);
    }
}

}  // namespace
