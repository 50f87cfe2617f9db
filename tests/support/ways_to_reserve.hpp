// The ways to reserve that take a path of their own through the library.
#pragma once

#include <berth/port_reservation.hpp>

#include <ostream>
#include <vector>

namespace berth::test {

struct way {
    const char* name;
    transport protocol;
    tcp_use use;
    parking park;
    address_family family = address_family::dual;
    std::uint16_t sessions = 1;
};
inline std::ostream& operator<<(std::ostream& out, const way& w) { return out << w.name; }

inline const std::vector<way>& all_ways() {
    using enum transport;
    static const std::vector<way> ways = {
        {"udp", udp, tcp_use::listen, parking::best},
        {"udp_by_calls", udp, tcp_use::listen, parking::system_calls},
        {"udp_ipv4_by_calls", udp, tcp_use::listen, parking::system_calls, address_family::ipv4},
        {"listener", tcp, tcp_use::listen, parking::best},
        {"listener_by_calls", tcp, tcp_use::listen, parking::system_calls},
        {"outbound", tcp, tcp_use::connect, parking::best},
        {"both", tcp_and_udp, tcp_use::listen, parking::best},
    };
    return ways;
}

inline reservation_request request_for(const way& w, port_block block) {
    reservation_request r;
    r.block = block, r.protocol = w.protocol, r.use = w.use, r.park = w.park, r.family = w.family;
    r.sessions_per_port = w.sessions;
    return r;
}

}  // namespace berth::test
