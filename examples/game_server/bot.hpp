// One player that is a program: joins, plays, leaves, over a network that loses and repeats, and checks what it is
// told.
//
// What a bot does is a function of match, player and input, so each bot knows what every snapshot must say of
// everybody.
#pragma once

#include "packets.hpp"

#include <berth/io_context.hpp>
#include <berth/udp_socket.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <string>

namespace game {

struct bot_options {
    asio::ip::udp::endpoint lobby;
    double loss = 0, duplicates = 0;             // parts of the datagrams in either direction
    std::uint32_t inputs = 3;                    // that are acknowledged before a bot leaves
    std::chrono::milliseconds hold{0};           // and the time that it plays at least
    std::chrono::milliseconds stalk{0};          // how long it sends to the match's port after its leave
    std::chrono::milliseconds retry{0};          // how long it asks again after a refusal for want of a port
    std::chrono::milliseconds patience{20'000};  // without any progress: it gives up
};

struct bot_counts {
    std::uint64_t played = 0;       // matches from join to leave
    std::uint64_t ended_early = 0;  // the server said bye
    std::uint64_t refused = 0;
    std::uint64_t gave_up = 0;
    std::uint64_t snapshots = 0, stale = 0, acknowledged = 0;
    std::uint64_t inconsistent = 0;  // a state that cannot be, another match, a larger answer than its request
    std::uint64_t stalked = 0;       // datagrams sent to the ports of matches that had been left
    std::string first_fault, last_place;
    std::map<std::uint16_t, std::uint64_t> ports;  // matches at each
};

class bot {
public:
    bot(berth::io_context& loop, const bot_options& options, bot_counts& counts, std::uint64_t match,
        std::uint32_t seed)
        : options_(options),
          counts_(counts),
          match_(match),
          random_(seed),
          nonce_(seed),
          socket_(loop, options.lobby.protocol()) {}

    /// To its end, whatever that is; the counts say.
    asio::awaitable<void> play();

private:
    using clock = std::chrono::steady_clock;
    asio::awaitable<bool> find_place();
    asio::awaitable<bool> enter_match();
    asio::awaitable<bool> send_inputs();
    asio::awaitable<void> leave_match();
    asio::awaitable<void> stalk();
    /// What came from `from` within the time; none: nothing, or it was lost.
    asio::awaitable<std::optional<packet>> receive(asio::ip::udp::endpoint from, std::chrono::milliseconds within);
    asio::awaitable<void> pause(std::chrono::milliseconds time);
    void send(const packet& p, const asio::ip::udp::endpoint& to);
    void check(const snapshot& s);
    void fault(const std::string& what);
    bool happens(double part) { return std::uniform_real_distribution<>(0, 1)(random_) < part; }
    [[nodiscard]] inputs all_unacknowledged(std::uint32_t up_to) const;

    const bot_options& options_;
    bot_counts& counts_;
    const std::uint64_t match_;
    std::mt19937 random_;
    std::uint32_t nonce_;
    berth::udp_socket socket_;
    std::array<std::byte, largest_packet> in_{};
    std::size_t requested_ = 0, size_ = 0;
    std::uint64_t cookie_ = 0;
    place place_;
    std::uint32_t tick_ = 0, acknowledged_ = 0;
    std::map<std::uint16_t, player_state> known_;  // each player, recomputed
};

}  // namespace game
