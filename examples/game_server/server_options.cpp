// Names, limits and help of the options; the values in the units of those who use them.
#include "server_options.hpp"

#include <CLI/CLI.hpp>

namespace game {
namespace {

clock::duration seconds(double n) {
    return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(n));
}

}  // namespace

void server_options::add_to(berth::service::program& program) {
    CLI::App& app = program.options();
    const CLI::Validator endpoint(
        [](const std::string& text) {
            return berth::service::endpoint_of(text) ? "" : "'" + text + "' is not ADDRESS:PORT, e.g. 0.0.0.0:7000";
        },
        "ADDRESS:PORT");
    app.add_option("--lobby", lobby, "UDP address and port of the lobby; its family is that of the matches")
        ->check(endpoint);
    app.add_option("--advertise", advertise, "Address of the matches as players see it; else the one they sent to")
        ->check([](const std::string& text) {
            std::error_code ec;
            if (!text.empty()) asio::ip::make_address(text, ec);
            return ec ? "'" + text + "' is no address, e.g. 198.51.100.7" : "";
        });
    app.add_option("--first-port", first_port, "First port of the matches; 0: any block that is free")
        ->check(CLI::Range(0, 65535));
    app.add_option("--ports", ports, "Ports reserved at the start")->check(CLI::Range(1, 65535));
    app.add_option("--grow-by", grow_by, "Ports of each further block; 0: none")->check(CLI::Range(0, 65535));
    app.add_option("--most-ports", most_ports, "Ports of all blocks together")->check(CLI::Range(1, 65535));
    app.add_option("--cool-down", cool_down, "Seconds that a port rests after its match")
        ->check(CLI::Range(0.0, 3600.0));
    app.add_option("--match-time", match_time, "Seconds after which a match is over")
        ->check(CLI::Range(0.1, 86400.0));
    app.add_option("--idle-time", idle_time, "Seconds of silence after which a player has left")
        ->check(CLI::Range(0.1, 3600.0));
    app.add_option("--max-players", most_players, "Players of a match")
        ->check(CLI::Range(std::size_t{1}, game::most_players));
    app.add_option("--matches-per-address", matches_per_address,
                   "Matches that one address (IPv6: a /64) may have opened")
        ->check(CLI::Range(1, 1000000));
    app.add_option("--tick-rate", tick_rate, "Snapshots a second")->check(CLI::Range(1, 1000));
    app.add_option("--dscp", dscp, "Differentiated services code point of the matches' datagrams")
        ->check(CLI::Range(0, 63));
    app.add_flag("--bench", bench, "Print what opening a match costs, and end")->configurable(false);
}

udp_endpoint server_options::lobby_endpoint() const {
    const auto at = berth::service::endpoint_of(lobby).value();
    return {at.address(), at.port()};
}

std::optional<asio::ip::address> server_options::advertised() const {
    if (advertise.empty()) return std::nullopt;
    return asio::ip::make_address(advertise);
}

match_options server_options::of_matches() const {
    return {{seconds(match_time), seconds(idle_time)}, static_cast<int>(dscp << 2)};
}

berth::reservation_request server_options::request() const {
    const auto at = lobby_endpoint();
    berth::reservation_request request;
    request.block = {.first = static_cast<std::uint16_t>(first_port), .count = ports};
    request.address = at.address().is_unspecified() ? asio::ip::address() : at.address();
    request.family = at.address().is_v4() ? berth::address_family::ipv4 : berth::address_family::dual;
    request.cool_down = std::chrono::milliseconds(static_cast<std::int64_t>(cool_down * 1000));
    return request;
}

}  // namespace game
