// A match and its UDP port, with one owner, on one shard.
//
// Lives until close(), which gives the port back: with it goes what was asked of the socket, and the port rests.
#pragma once

#include "game_metrics.hpp"
#include "match_room.hpp"

#include <berth/listener_pool.hpp>
#include <berth/udp_writer.hpp>

#include <memory>

namespace game {

struct match_options {
    match_rules rules;
    int traffic_class = 0;  // of what is sent: DSCP in its upper six bits
};

/// For its shard's thread.
class match : public std::enable_shared_from_this<match> {
public:
    match(berth::listener_pool::endpoint endpoint, std::uint64_t id, const match_options& options,
          const cookie_jar& jar, game_metrics& metrics);

    /// A port out of the pool, and a match that receives there. nullptr and ec: what the pool or the socket says.
    static std::shared_ptr<match> open(berth::listener_pool& pool, std::size_t shard, std::uint64_t id,
                                       const match_options& options, const cookie_jar& jar, game_metrics& metrics,
                                       berth::error_code& ec);

    /// One tick: rules, then a snapshot to each who plays. True: it has ended, and `reason` says why.
    bool tick(std::uint32_t number, clock::time_point now, why& reason);
    /// Tells everybody why, and gives the port back. Nothing is received any more.
    void close(why reason);

    [[nodiscard]] match_room& room() noexcept { return room_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return endpoint_.port(); }
    [[nodiscard]] asio::ip::address address() const;

private:
    void receive();

    berth::listener_pool::endpoint endpoint_;
    berth::udp_writer writer_;
    match_room room_;
    const cookie_jar& jar_;
    game_metrics& metrics_;
    bool is_deaf_ = false;  // since a receive failed
};

}  // namespace game
