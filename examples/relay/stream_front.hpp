// Clients over TCP and TLS: connections of a berth::server, each one client of the shard that accepted it.
//
// What a client may cost is bounded: one message of input, one backlog of output (datagrams beyond it are dropped),
// and so many seconds without an allocation, of which a handshake is a part.
#pragma once

#include "turn_shard.hpp"

#include <berth/server.hpp>

#include <asio/awaitable.hpp>
#include <asio/ssl/context.hpp>

#include <list>
#include <memory>
#include <vector>

namespace relay {

class stream_client;

class stream_front {
public:
    /// tls: nullptr for plain TCP; outlives this. Throws std::system_error.
    stream_front(berth::shards& on, const std::vector<turn_shard*>& shards, asio::ssl::context* tls,
                 const berth::server_options& options);
    /// Pre: the shards do not run. Its clients' coroutines may go after it, with the shards.
    ~stream_front();

    /// Before start. Returns the port.
    std::uint16_t listen(berth::bound_port port) { return server_.listen(std::move(port)).port(); }
    void start();
    /// Every second, on the shard: ends those who have no allocation for too long.
    void tick(std::size_t shard);

    [[nodiscard]] berth::server& server() noexcept { return server_; }

private:
    asio::awaitable<void> serve(berth::connection connection);
    template <class Stream>
    asio::awaitable<void> read(Stream& stream, stream_client& client);

    const std::vector<turn_shard*>& shards_;
    asio::ssl::context* tls_;
    using roster = std::list<stream_client*>;
    std::vector<std::shared_ptr<roster>> clients_;  // of each shard; coroutines that never ended may be the last
    berth::server server_;
};

}  // namespace relay
