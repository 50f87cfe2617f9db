// See stream_front.hpp.
#include "stream_front.hpp"

#include "stream_client.hpp"

#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>

namespace relay {
namespace {

constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);

}  // namespace

stream_front::stream_front(berth::shards& on, const std::vector<turn_shard*>& shards, asio::ssl::context* tls,
                           const berth::server_options& options)
    : shards_(shards), tls_(tls), server_(on, options) {
    for (std::size_t i = 0; i < shards.size(); ++i) clients_.push_back(std::make_shared<roster>());
}

stream_front::~stream_front() {
    for (const auto& of_shard : clients_) {
        for (stream_client* const client : *of_shard) client->end();
    }
}

void stream_front::start() {
    server_.start([this](berth::connection connection) { return serve(std::move(connection)); });
}

asio::awaitable<void> stream_front::serve(berth::connection connection) {
    const std::size_t at = connection.shard();
    turn_shard& shard = *shards_[at];
    const auto client = std::make_shared<stream_client>(shard, std::move(connection), tls_);
    shard.counters().stream_clients.add();
    struct entry {  // for as long as the coroutine
        std::shared_ptr<roster> all;
        roster::iterator at;
        stream_client& client;
        ~entry() {
            all->erase(at);
            client.end();
        }
    };
    const entry entered{clients_[at], clients_[at]->insert(clients_[at]->end(), client.get()), *client};

    if (tls_ == nullptr) {
        co_await read(client->connection(), *client);
        co_return;
    }
    const auto [refused] = co_await client->tls().async_handshake(asio::ssl::stream_base::server, as_tuple);
    if (!refused) co_await read(client->tls(), *client);
    client->connection().close();
}

template <class Stream>
asio::awaitable<void> stream_front::read(Stream& stream, stream_client& client) {
    for (;;) {
        const auto [ec, size] = co_await stream.async_read_some(client.room(), as_tuple);
        if (ec || !client.received(size)) co_return;
    }
}

void stream_front::tick(std::size_t shard) {
    for (stream_client* const client : *clients_[shard]) client->check(shards_[shard]->now());
}

}  // namespace relay
