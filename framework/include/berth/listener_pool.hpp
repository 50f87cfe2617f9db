// UDP endpoints on demand, one for each room, call or match, out of blocks that were reserved beforehand.
//
//   berth::listener_pool pool(request, shards, {.grow_by = 256, .most = 4096, .low_water = 64});
//   co_await pool.async_start(asio::use_awaitable);
//   auto room = pool.open(shard, ec);           // a udp_socket and its port, with one owner
//
// The shards (an io_context each) outlive the pool. Endpoints may outlive it. The port of a room that ended rests for
// request.cool_down, so that its late packets reach nobody.
#pragma once

#include <berth/detail/socket_pool.hpp>
#include <berth/pool_growth.hpp>
#include <berth/udp_socket.hpp>

#include <initializer_list>
#include <span>

namespace berth::inline v0_1 {

class listener_pool : public detail::socket_pool<udp_socket> {
public:
    /// request.block is the first block; its protocol is UDP whatever it says. Nothing is reserved before
    /// async_start(). Throws reservation_error: invalid_argument if there is no shard.
    listener_pool(const reservation_request& request, std::span<io_context* const> shards,
                  const pool_growth& growth = {})
        : socket_pool(with_udp(request), shards, growth) {}
    listener_pool(const reservation_request& request, std::initializer_list<io_context*> shards,
                  const pool_growth& growth = {})
        : listener_pool(request, std::span(shards.begin(), shards.size()), growth) {}

private:
    static reservation_request with_udp(reservation_request request) {
        request.protocol = transport::udp;
        return request;
    }
};

}  // namespace berth::v0_1
