// TCP listeners on demand out of blocks that were reserved beforehand: for one shard, or for all of them.
//
// A listener listens already, and nobody else can have its port: no SO_REUSEPORT anywhere. The shards (an io_context
// each) outlive the pool and its listeners.
#pragma once

#include <berth/detail/socket_pool.hpp>
#include <berth/pool_growth.hpp>
#include <berth/shared_listener.hpp>
#include <berth/tcp_acceptor.hpp>

#include <initializer_list>
#include <span>
#include <utility>

namespace berth::inline v0_1 {

class acceptor_pool : public detail::socket_pool<tcp_acceptor> {
public:
    /// request.block is the first block; its ports are TCP listeners whatever the request says. Nothing is reserved
    /// before async_start(). Throws reservation_error: invalid_argument if there is no shard.
    acceptor_pool(const reservation_request& request, std::span<io_context* const> shards,
                  const pool_growth& growth = {})
        : socket_pool(with_listeners(request), shards, growth) {}
    acceptor_pool(const reservation_request& request, std::initializer_list<io_context*> shards,
                  const pool_growth& growth = {})
        : acceptor_pool(request, std::span(shards.begin(), shards.size()), growth) {}

    /// One listening port for all shards: an acceptor on each. Errors as open(), and too_many_files. Waits for shards
    /// that run; so not on two shards at the same time.
    shared_listener open_on_all(error_code& ec) {
        auto port = blocks().draw(ec, [](port_reservation& block, error_code& why) { return block.take(why); });
        if (ec) return {};
        return shared_listener::share(std::move(port), contexts(), ec);
    }
    shared_listener open_on_all() {
        error_code ec;
        auto opened = open_on_all(ec);
        if (ec) throw std::system_error(ec, "berth: open_on_all");
        return opened;
    }

private:
    static reservation_request with_listeners(reservation_request request) {
        request.protocol = transport::tcp;
        request.use = tcp_use::listen;
        return request;
    }
};

}  // namespace berth::v0_1
