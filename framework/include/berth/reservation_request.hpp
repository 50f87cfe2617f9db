// What a caller asks of reserve: which ports, for what, and how they are drawn and rested.
//
// A plain value; reserve checks it and names the member that is wrong. Family and local address are fixed for the
// reservation's life, because a bound socket's are.
#pragma once

#include <berth/port_block.hpp>

#include <asio/ip/address.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace berth::inline v0_1 {

enum class transport : std::uint8_t { tcp = 1, udp = 2, tcp_and_udp = 3 };  ///< both: the same numbers, drawn apart
enum class address_family : std::uint8_t { ipv4, ipv6, dual };              ///< dual: one socket hears both
enum class tcp_use : std::uint8_t { listen, connect };                ///< what a TCP port's session socket is for
enum class draw_order : std::uint8_t { random, first_in_first_out };  ///< random: RFC 6056
enum class parking : std::uint8_t { best, system_calls };  ///< system_calls: never the eBPF filter, even if permitted

struct reservation_request {
    port_block block{};                            ///< ports; first 0: wildcard
    transport protocol = transport::udp;           ///< TCP, UDP or both on the same numbers
    address_family family = address_family::dual;  ///< of the session sockets; the ports are held for all families
    asio::ip::address address{};                   ///< unspecified: all local addresses; else this one only
    tcp_use use = tcp_use::listen;                 ///< TCP only
    int backlog = 1024;                            ///< TCP listeners: length of the accept queue, connections
    /// TCP connect only: session sockets on each port, so how many destinations one port can be connected to at the
    /// same time. Descriptors: one and so many a port; ports times sessions: 65,536 at most. See outbound.hpp.
    std::uint16_t sessions_per_port = 1;
    /// TCP connect only: the interface that all session sockets are bound to, so that connections leave there whatever
    /// the routes say. Empty: any. The ports are held on all interfaces.
    std::string device{};
    draw_order order = draw_order::random;
    std::chrono::milliseconds cool_down{0};  ///< rest of a port after give back, before it is available again
    std::chrono::milliseconds silence{0};    ///< > 0: and until no packet of old traffic came for this long
    parking park = parking::best;
    bool avoid_common_ports =
        true;  ///< wildcard: prefer blocks outside the ephemeral range, the reserved list, 1-1023
};

}  // namespace berth::v0_1
