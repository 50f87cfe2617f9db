// Ticks are of the clock, not of each other: one that is late does not make the next late. Those that a shard had no
// time for are skipped and counted.
#include "match_shard.hpp"

#include <asio/post.hpp>

namespace game {

match_shard::match_shard(berth::shards& on, std::size_t index, berth::listener_pool& pool,
                         const match_options& options, const cookie_jar& jar, game_metrics& metrics,
                         clock::duration tick)
    : on_(on),
      index_(index),
      pool_(pool),
      options_(options),
      jar_(jar),
      metrics_(metrics),
      period_(tick),
      timer_(on[index]),
      next_(clock::now() + tick) {
    asio::post(on_[index_], [this] { wait(); });
}

void match_shard::open(std::uint64_t serial, std::uint64_t id, std::uint16_t player, std::uint64_t ticket,
                       clock::time_point asked) {
    asio::post(on_[index_], [=, this] {
        berth::error_code ec;
        auto made = match::open(pool_, index_, id, options_, jar_, metrics_, ec);
        std::optional<udp_endpoint> at;
        if (made) {
            at = udp_endpoint(made->address(), made->port());
            made->room().admit(player, ticket, clock::now());
            metrics_.players.add(1);
            matches_.emplace(serial, std::move(made));
            metrics_.opened.add();
            metrics_.open.add(1);
            metrics_.open_time.observe(std::chrono::duration<double>(clock::now() - asked).count());
        } else {
            metrics_.failed.add();
        }
        asio::post(on_[0], [=, this] { news_.opened(serial, at); });
    });
}

void match_shard::admit(std::uint64_t serial, std::uint16_t player, std::uint64_t ticket) {
    asio::post(on_[index_], [=, this] {
        const auto found = matches_.find(serial);
        if (found == matches_.end()) return;  // ended meanwhile; the player asks the lobby again
        found->second->room().admit(player, ticket, clock::now());
        metrics_.players.add(1);
    });
}

void match_shard::close_all(why reason) {
    asio::post(on_[index_], [=, this] {
        for (auto& [serial, which] : matches_) end(serial, *which, reason);
        matches_.clear();
    });
}

void match_shard::wait() {
    timer_.expires_at(next_);
    timer_.async_wait([this](berth::error_code ec) {
        if (ec) return;
        tick();
        wait();
    });
}

void match_shard::tick() {
    const auto now = clock::now();
    metrics_.ticks.add();
    metrics_.lateness.observe(std::chrono::duration<double>(now - next_).count());
    ++number_;
    for (auto at = matches_.begin(); at != matches_.end();) {
        auto& [serial, which] = *at;
        why reason{};
        const bool has_ended = which->tick(number_, now, reason);
        if (auto gone = which->room().take_gone(); !gone.empty()) {
            metrics_.players.add(-static_cast<std::int64_t>(gone.size()));
            if (!has_ended) {
                asio::post(on_[0], [this, id = serial, gone = std::move(gone)] { news_.gone(id, gone); });
            }
        }
        if (has_ended) {
            end(serial, *which, reason);
            at = matches_.erase(at);
        } else {
            ++at;
        }
    }
    next_ += period_;
    for (const auto after = clock::now(); next_ + period_ < after; next_ += period_) metrics_.skipped.add();
}

void match_shard::end(std::uint64_t serial, match& which, why reason) {
    metrics_.players.add(-static_cast<std::int64_t>(which.room().seats()));
    which.close(reason);
    metrics_.open.add(-1);
    metrics_.ended_by(reason).add();
    asio::post(on_[0], [=, this] { news_.ended(serial, reason); });
}

}  // namespace game
