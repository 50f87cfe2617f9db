// The one well-known port: who joins is told where his match is, and the first one opens it.
//
// Invariant: nothing is remembered of an address before it has said its cookie back; to say a join again, which every
// client does until it has an answer, changes nothing.
#pragma once

#include "match_shard.hpp"

#include <berth/quotas.hpp>
#include <berth/service/logger.hpp>

#include <deque>
#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace game {

struct lobby_options {
    udp_endpoint at;                             // where it listens
    std::optional<asio::ip::address> advertise;  // of the matches; none: the one that the client sent to
    std::size_t most_players = 8;                // of a match
};

/// On shard 0.
class lobby {
public:
    /// Throws std::system_error: the port is taken, say.
    lobby(berth::shards& on, std::vector<std::unique_ptr<match_shard>>& matches, const lobby_options& options,
          berth::quotas& per_address, const cookie_jar& jar, game_metrics& metrics, berth::service::logger& log);

    [[nodiscard]] udp_endpoint local_endpoint() const { return socket_.local_endpoint(); }
    /// From now on refuses all; calls `done` once no match is open.
    void drain(std::function<void()> done);

private:
    struct seat {
        udp_endpoint who;
        std::uint32_t nonce;
        std::uint16_t player;
        std::uint64_t ticket;
        asio::ip::address came_to;
    };
    struct record {
        std::uint64_t id;
        std::size_t shard;
        std::optional<udp_endpoint> at;  // none: not open yet
        std::uint16_t next_player;
        std::vector<seat> seats;
        berth::quota_hold hold;
    };

    void receive();
    void answer(const join& asked, const udp_endpoint& who, const asio::ip::address& came_to);
    void open(const join& asked, const udp_endpoint& who, const asio::ip::address& came_to);
    void give_place(const record& match, const seat& to);
    void refuse(std::uint32_t nonce, const udp_endpoint& who, why reason);
    void send(const packet& p, const udp_endpoint& to);
    [[nodiscard]] match_news news();
    void drained_if_empty();
    // A join that was late on its way must not open again what its player has left.
    void remember_join(std::uint64_t match, const seat& of);
    [[nodiscard]] bool was_served(std::uint64_t join_id);

    berth::shards& on_;
    std::vector<std::unique_ptr<match_shard>>& matches_;
    const lobby_options options_;
    berth::quotas& quotas_;
    const cookie_jar& jar_;
    game_metrics& metrics_;
    berth::service::logger& log_;
    berth::service::limited_event no_port_, over_quota_;
    berth::udp_socket socket_;
    berth::udp_writer writer_;
    berth::steady_timer again_;
    std::uint64_t serial_ = 0, ticket_ = 0;
    std::unordered_map<std::uint64_t, record> open_;                           // by serial
    std::unordered_map<std::uint64_t, std::uint64_t> serial_of_;               // by the match's number
    std::unordered_set<std::uint64_t> served_;                                 // joins of seats that are gone,
    std::deque<std::pair<clock::time_point, std::uint64_t>> served_in_order_;  // for ten seconds
    std::function<void()> drained_;
};

}  // namespace game
