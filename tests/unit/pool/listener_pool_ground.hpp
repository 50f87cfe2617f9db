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
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET, to.sin_port = htons(e.port()), to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    ::close(fd);
    char got[4];
    e->non_blocking(true);
    error_code ec;
    return e->receive(asio::buffer(got), 0, ec) == 1;
}

class listener_pool_of : public by_backend {
protected:
    error_code start(listener_pool& pool) {
        error_code said = asio::error::fault;
        pool.async_start([&](error_code ec) { said = ec; });
        run();
        return said;
    }
};

}  // namespace pool_test
