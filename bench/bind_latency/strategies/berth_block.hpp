// What berth's strategies share: one reservation per transport, of which a given share is in use.
//
// The reservation is made once, when the first scene is prepared, and only its occupancy changes from scene to scene:
// reserving is not what is measured here (targets/ does).
#pragma once

#include "bind_latency/scene.hpp"

#include <berth/capabilities.hpp>
#include <berth/port_reservation.hpp>

#include <stdexcept>
#include <vector>

namespace berth::bench {

class berth_block {
public:
    /// Post: `s.occupancy` percent of the block's ports are taken. Throws std::runtime_error with the reason if not.
    void prepare(const scene& s, parking park, tcp_use use = tcp_use::listen) {
        if (!reservation_) reserve(s, park, use);
        const std::uint32_t wanted = occupied_of(s.block_ports, s.occupancy);
        if (in_use_.size() > wanted) in_use_.resize(wanted);
        while (in_use_.size() < wanted) {
            error_code ec;
            in_use_.push_back(reservation_.take(ec));
            if (ec) throw std::runtime_error("filling berth's block: " + ec.message());
        }
    }
    [[nodiscard]] port_reservation& reservation() noexcept { return reservation_; }

private:
    void reserve(const scene& s, parking park, tcp_use use) {
        reservation_request request;
        request.block = {0, s.block_ports};
        request.protocol = s.transport == protocol::tcp ? transport::tcp : transport::udp;
        request.family = address_family::ipv4;  // as every other strategy
        request.use = use;
        request.park = park;
        failure f;
        reservation_ = port_reservation::reserve(request, f);
        if (f) throw std::runtime_error("reserve: " + f.what);
        in_use_.reserve(s.block_ports);
    }

    port_reservation reservation_;
    std::vector<bound_port> in_use_;  // ends before the reservation does
};

/// Throws the reason if the eBPF filter is not permitted here: the strategy would not be what its name says.
inline void require_filter(protocol p) {
    const capabilities facts = query_capabilities(parking::best);
    const park_method method = p == protocol::tcp ? facts.park_tcp_listen : facts.park_udp;
    if (method != park_method::filter_map)
        throw std::runtime_error("needs CAP_BPF (berth parks by system calls here)");
}

}  // namespace berth::bench
