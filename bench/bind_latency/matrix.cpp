// See matrix.hpp.
#include "bind_latency/matrix.hpp"

#include <algorithm>
#include <iterator>

namespace berth::bench {
namespace {

std::vector<standing_strategy> chosen(const options& o) {
    std::vector<standing_strategy> out;
    for (const auto& entry : all_strategies()) {
        // The first one stays in whatever was asked for: ratios are against it.
        const bool wanted = o.strategies.empty() || out.empty() ||
                            std::find(o.strategies.begin(), o.strategies.end(), entry.name) != o.strategies.end();
        if (wanted) out.push_back({&entry, entry.make()});
    }
    return out;
}

std::vector<cell> out_of_reach(const scene& s, const std::vector<standing_strategy>& strategies, std::string why) {
    std::vector<cell> cells;
    for (const auto& one : strategies) {
        cell c{s.transport, s.fill, s.occupancy, s.threads, one.entry, {}, 0, 0, why, 0};
        cells.push_back(std::move(c));
    }
    return cells;
}

}  // namespace

std::size_t matrix_steps(const options& o) {
    const auto crowded = static_cast<std::size_t>(
        std::count_if(o.occupancies.begin(), o.occupancies.end(), [](double percent) { return percent > 0; }));
    const std::size_t scenes = o.occupancies.size() + crowded;
    return o.transports.size() * scenes * o.threads.size();
}

std::vector<cell> run_matrix(const options& o, const surroundings& where, filler& crowd, progress& bar) {
    std::vector<cell> all;
    for (const protocol transport : o.transports) {
        auto strategies = chosen(o);
        for (const fill_style style : {fill_style::none, fill_style::by_kernel, fill_style::at_random}) {
            crowd.clear();
            for (const double percent : o.occupancies) {
                if ((percent > 0) == (style == fill_style::none)) continue;
                for (const unsigned threads : o.threads) {
                    bar.step(fmt::format("{} {} % {} {} thread{}", name_of(transport), percent, name_of(style),
                                         threads, threads == 1 ? "" : "s"));
                    scene s{transport, style, percent, threads, where.range, {}, o.block_ports, nullptr};
                    std::vector<cell> cells;
                    if (percent > where.highest_occupancy) {
                        cells = out_of_reach(s, strategies, "needs a network namespace of its own");
                    } else {
                        crowd.fill_to(transport, style, occupied_of(where.range.count, percent));
                        s.free_ports = crowd.free_ports();
                        cells = run_scene(s, strategies, o.speed);
                    }
                    std::move(cells.begin(), cells.end(), std::back_inserter(all));
                }
            }
        }
    }
    crowd.clear();
    return all;
}

}  // namespace berth::bench
