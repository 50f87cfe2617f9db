// The server's own options, beside those that every service has.
#pragma once

#include "lobby.hpp"

#include <berth/service/program.hpp>

#include <string>

namespace game {

struct server_options {
    std::string lobby = "0.0.0.0:0", advertise;
    std::uint32_t first_port = 0, ports = 256, grow_by = 256, most_ports = 4096;
    double cool_down = 5, match_time = 600, idle_time = 5;
    std::size_t most_players = 8;
    std::uint32_t matches_per_address = 64;
    unsigned tick_rate = 60, dscp = 34;
    bool bench = false;

    /// Adds them to the program's.
    void add_to(berth::service::program& program);

    [[nodiscard]] udp_endpoint lobby_endpoint() const;
    [[nodiscard]] std::optional<asio::ip::address> advertised() const;
    [[nodiscard]] match_options of_matches() const;
    [[nodiscard]] berth::reservation_request request() const;
};

/// Prints what opening a match costs when 10 % and 90 % of the ports are in use.
int run_opening_bench(const server_options& options);

}  // namespace game
