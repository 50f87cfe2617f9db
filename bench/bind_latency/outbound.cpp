// See outbound.hpp.
#include "bind_latency/outbound.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace berth::bench {
namespace {

constexpr std::array occupancies{0.0, 50.0, 90.0};

void fill(filler& crowd, drained_listener& server, fill_style style, std::uint32_t count) {
    if (style == fill_style::at_random) return crowd.fill_to(protocol::tcp, style, count);
    // Ports that connections to this very listener use: those are the ones connect() has to walk past.
    server.keep_connections(true);
    crowd.connect_to(server.port(), count);
    usleep(50'000);  // the last of them are still being accepted
    server.keep_connections(false);
}

}  // namespace

std::size_t outbound_steps(const options& o) {
    return std::find(o.transports.begin(), o.transports.end(), protocol::tcp) == o.transports.end() ? 0 : 5;
}

std::vector<cell> run_outbound(const options& o, const surroundings& where, filler& crowd, drained_listener& server,
                               progress& bar) {
    std::vector<cell> all;
    if (outbound_steps(o) == 0) return all;
    std::vector<standing_strategy> strategies;
    for (const auto& entry : outbound_strategies()) strategies.push_back({&entry, entry.make()});
    for (const fill_style style : {fill_style::none, fill_style::by_kernel, fill_style::at_random}) {
        crowd.clear();
        server.let_go();
        for (const double percent : occupancies) {
            if ((percent > 0) == (style == fill_style::none) || percent > where.highest_occupancy) continue;
            bar.step(fmt::format("connect, {} % {}", percent, name_of(style)));
            if (percent > 0) fill(crowd, server, style, occupied_of(where.range.count, percent));
            scene s{protocol::tcp, style, percent, 1, where.range, crowd.free_ports(), o.block_ports, &server};
            auto cells = run_scene(s, strategies, o.speed);
            std::move(cells.begin(), cells.end(), std::back_inserter(all));
        }
    }
    crowd.clear();
    server.let_go();
    return all;
}

}  // namespace berth::bench
