// What the tests of listener_pool share: a request, a pool started and stopped, and whether an endpoint hears.
#pragma once

#include <berth/listener_pool.hpp>

#include "unit/pool/pool_ground.hpp"

namespace pool_test {

using berth::errc;
using berth::listener_pool;
using endpoint = listener_pool::endpoint;

inline berth::reservation_request ports(std::uint32_t count, std::chrono::milliseconds cool_down = 0ms) {
    berth::reservation_request r;
    r.block.count = count;
    r.family = berth::address_family::ipv4;
    r.cool_down = cool_down;
    return r;
}

inline bool hears(endpoint& e) {
    const auto sender = system::open_udp();
    system::send_to(sender, "x", 1, udp::endpoint(asio::ip::address_v4::loopback(), e.port()));
    system::close_socket(sender);
    char got[4];
    e->non_blocking(true);
    error_code ec;
    return e->receive(asio::buffer(got), 0, ec) == 1;
}

class listener_pool_of : public pool_by_backend {
protected:
    error_code start(listener_pool& pool) {
        error_code said = asio::error::fault;
        pool.async_start([&](error_code ec) { said = ec; });
        run();
        return said;
    }
};

class listener_pool_ending : public listener_pool_of {};

}  // namespace pool_test
