// What the tests of failures count before and after: descriptors of this process, sockets on the ports, books.
#pragma once

#include "support/failing_calls.hpp"
#include "support/oracle.hpp"

#include "platform/linux/linux_provider.hpp"
#include "reservation_core.hpp"

#include <gtest/gtest.h>

#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

namespace berth::test {

using core_pointer = std::shared_ptr<detail::reservation_core>;

inline std::size_t descriptors_now() {
    std::size_t n = 0;
    DIR* const all = ::opendir("/proc/self/fd");
    while (::readdir(all) != nullptr) ++n;
    ::closedir(all);
    return n;
}

/// One way to reserve: kind and parking.
struct way {
    const char* name;
    transport protocol;
    tcp_use use;
    parking park;
    address_family family = address_family::dual;
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
    return r;
}

/// Ports that were free in both protocols a moment ago.
inline port_block free_block(std::uint32_t count) {
    reservation_request r;
    r.block.count = count, r.protocol = transport::tcp_and_udp;
    auto scout = port_reservation::reserve(r);
    const auto block = scout.block();
    scout.release();
    return block;
}

inline std::size_t sockets_of_both(port_block b) {
    return sockets_on(oracle_protocol::tcp, b.first, b.count).size() +
           sockets_on(oracle_protocol::udp, b.first, b.count).size();
}

}  // namespace berth::test
