// One match as its rules see it: who may play, who does, and what each datagram does to the game. No socket, no
// clock.
//
// Invariant: each input of a player counts once, in its order, whatever is lost or comes twice; nobody is sent a
// snapshot before he has said back a cookie from the address that it goes to.
#pragma once

#include "cookie_jar.hpp"
#include "packets.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace game {

using clock = std::chrono::steady_clock;
using udp_endpoint = asio::ip::udp::endpoint;

struct match_rules {
    clock::duration time = std::chrono::minutes(10);  // of a match
    clock::duration idle = std::chrono::seconds(5);   // a player of whom nothing is heard has left
};

enum class verdict : std::uint8_t { good, malformed, stranger };

class match_room {
public:
    match_room(std::uint64_t id, const match_rules& rules, clock::time_point now)
        : id_(id), rules_(rules), over_at_(now + rules.time) {}

    /// From now on who says the ticket is that player.
    void admit(std::uint16_t player, std::uint64_t ticket, clock::time_point now);

    /// answer: bytes in `out` (of largest_packet) that go back to `from`; 0: none.
    struct outcome {
        verdict what;
        std::size_t answer;
    };
    outcome receive(std::span<const std::byte> bytes, const udp_endpoint& from, const cookie_jar& jar,
                    clock::time_point now, std::span<std::byte> out);

    /// Takes out who was silent for too long. True: the match has ended, and `reason` says why.
    bool tick(clock::time_point now, why& reason);

    /// For everybody who plays; the highest tick counts. Returns its size.
    std::size_t write_snapshot(std::uint32_t number, std::span<std::byte> out) const;
    /// Calls visit(player number, endpoint) for each who plays.
    template <class Visit>
    void each_playing(Visit visit) const {
        for (const auto& p : players_) {
            if (p.plays) visit(p.state.player, p.at);
        }
    }
    /// Players who left since the last call, or who were taken out.
    [[nodiscard]] std::vector<std::uint16_t> take_gone() { return std::exchange(gone_, {}); }
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] std::size_t playing() const noexcept;
    /// With those who were admitted and have not entered.
    [[nodiscard]] std::size_t seats() const noexcept { return players_.size(); }

private:
    struct seat {
        std::uint64_t ticket;
        udp_endpoint at;
        clock::time_point heard;
        bool plays;
        player_state state;
    };
    seat* find(std::uint16_t player) noexcept;
    outcome receive_enter(const enter& p, const udp_endpoint& from, const cookie_jar& jar, clock::time_point now,
                          std::span<std::byte> out);

    std::uint64_t id_;
    match_rules rules_;
    clock::time_point over_at_;
    std::vector<seat> players_;
    std::vector<std::uint16_t> gone_;
};

}  // namespace game
