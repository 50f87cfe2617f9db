// The relay: its shards, its ports, whom it listens to, and its end.
//
// Made before its shards run, ended after; what is between says when. Counters are for any thread.
#pragma once

#include "options.hpp"
#include "stream_front.hpp"
#include "turn_shard.hpp"
#include "udp_front.hpp"
#include "world.hpp"

#include <berth/shards.hpp>

#include <asio/ssl/context.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace relay {

class relay_server {
public:
    /// Throws wrong_option, berth::reservation_error, std::system_error. The shards and the log outlive it.
    relay_server(const relay_options& options, berth::shards& on, berth::service::logger& log);
    relay_server(const relay_server&) = delete;
    relay_server& operator=(const relay_server&) = delete;
    ~relay_server();

    /// Before the shards run, or while they do.
    void start();
    /// On shard 0: refuses new allocations, and calls `done` there once, when the last one has ended.
    void drain(std::function<void()> done);

    [[nodiscard]] std::size_t size() const noexcept { return turn_.size(); }
    [[nodiscard]] const shard_counters& counters(std::size_t shard) const noexcept {
        return turn_[shard]->counters();
    }
    [[nodiscard]] const world& shared() const noexcept { return *world_; }
    [[nodiscard]] std::vector<asio::ip::udp::endpoint> listening() const { return listening_; }
    /// nullptr: nobody is listened to that way.
    [[nodiscard]] const berth::server* tcp() const noexcept { return tcp_front_ ? &tcp_front_->server() : nullptr; }
    [[nodiscard]] const berth::server* tls() const noexcept { return tls_front_ ? &tls_front_->server() : nullptr; }

private:
    void reserve_blocks();
    void listen();
    berth::port_reservation reserve_listener(const asio::ip::udp::endpoint& at, bool with_udp);
    void start_ticking(std::size_t shard);
    void tick(std::size_t shard);
    void look_at_drain();

    relay_options options_;
    std::unique_ptr<world> world_;
    std::unique_ptr<asio::ssl::context> tls_;
    berth::shards& shards_;
    std::vector<std::unique_ptr<turn_shard>> turn_;
    std::vector<turn_shard*> turn_pointers_;
    std::vector<berth::port_reservation> listeners_;
    std::vector<asio::ip::udp::endpoint> listening_;
    std::vector<std::unique_ptr<udp_front>> udp_;
    std::unique_ptr<stream_front> tcp_front_, tls_front_;
    std::vector<std::unique_ptr<berth::steady_timer>> ticks_;
    std::function<void()> drained_;  // until it was called
};

}  // namespace relay
