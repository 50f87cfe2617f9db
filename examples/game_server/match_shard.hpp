// The matches of one shard, and its ticks: one timer for all of them.
//
// Commands come from the lobby by post, so that what a match is made of is touched by one thread; news go back by
// post.
#pragma once

#include "match.hpp"

#include <berth/shards.hpp>
#include <berth/steady_timer.hpp>

#include <functional>
#include <map>
#include <optional>

namespace game {

/// What the lobby hears, on shard 0. serial: the match's, never used twice.
struct match_news {
    std::function<void(std::uint64_t serial, std::optional<udp_endpoint> at)> opened;  // none: there was no port
    std::function<void(std::uint64_t serial, std::vector<std::uint16_t> players)> gone;
    std::function<void(std::uint64_t serial, why reason)> ended;
};

class match_shard {
public:
    match_shard(berth::shards& on, std::size_t index, berth::listener_pool& pool, const match_options& options,
                const cookie_jar& jar, game_metrics& metrics, clock::duration tick);

    /// Before anything else; the lobby lives as long as the shards run.
    void tell(match_news news) { news_ = std::move(news); }

    // From any thread.
    /// With its first player, or it would end at the next tick.
    void open(std::uint64_t serial, std::uint64_t id, std::uint16_t player, std::uint64_t ticket,
              clock::time_point asked);
    void admit(std::uint64_t serial, std::uint16_t player, std::uint64_t ticket);
    /// Ends all matches.
    void close_all(why reason);

private:
    void wait();
    void tick();
    void end(std::uint64_t serial, match& which, why reason);

    berth::shards& on_;
    const std::size_t index_;
    berth::listener_pool& pool_;
    const match_options options_;
    const cookie_jar& jar_;
    game_metrics& metrics_;
    const clock::duration period_;
    berth::steady_timer timer_;
    clock::time_point next_;
    std::uint32_t number_ = 0;
    match_news news_;
    std::map<std::uint64_t, std::shared_ptr<match>> matches_;
};

}  // namespace game
