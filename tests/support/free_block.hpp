// Ports for a test that asks for given ones.
#pragma once

#include <berth/port_reservation.hpp>

#include <cstdint>

namespace berth::test {

/// Ports that were free a moment ago in this protocol, the first of them even.
inline port_block free_block(std::uint32_t count, transport protocol = transport::tcp_and_udp) {
    reservation_request scouting;
    scouting.block.count = count + 1, scouting.protocol = protocol;
    const auto found = port_reservation::reserve(scouting).block();
    return {static_cast<std::uint16_t>(found.first + found.first % 2), count};
}

}  // namespace berth::test
