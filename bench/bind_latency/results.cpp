// See results.hpp.
#include "bind_latency/results.hpp"

#include "report/wording.hpp"

#include <algorithm>

namespace berth::bench {
namespace {

double highest_occupancy(const std::vector<cell>& cells, protocol transport, fill_style fill) {
    double highest = 0;
    for (const cell& c : cells)
        if (c.transport == transport && c.fill == fill && c.time.count > 0) highest = std::max(highest, c.occupancy);
    return highest;
}

std::string words_of(protocol transport) { return transport == protocol::tcp ? "a TCP listener" : "a UDP socket"; }

/// The best way of berth's that could run here: with the filter if it is permitted.
const cell* ready_socket(const std::vector<cell>& cells, protocol transport, fill_style fill, double percent) {
    const cell* best = find_cell(cells, "berth_take", transport, fill, percent);
    return best != nullptr ? best : find_cell(cells, "berth_take_calls", transport, fill, percent);
}

}  // namespace

const cell* find_cell(const std::vector<cell>& cells, std::string_view strategy, protocol transport, fill_style fill,
                      double occupancy) {
    for (const cell& c : cells)
        if (c.entry->name == strategy && c.transport == transport && c.fill == fill && c.occupancy == occupancy &&
            c.threads == 1 && c.time.count > 0)
            return &c;
    return nullptr;
}

std::vector<plain_line> plain_lines(const report& r) {
    std::vector<plain_line> lines;
    const auto add = [&](std::string wish, const cell* theirs, const cell* ours) {
        if (theirs != nullptr && ours != nullptr) lines.push_back({std::move(wish), theirs->time, ours->time});
    };
    for (const protocol transport : {protocol::udp, protocol::tcp}) {
        for (const fill_style fill : {fill_style::none, fill_style::by_kernel, fill_style::at_random}) {
            const double percent = highest_occupancy(r.cells, transport, fill);
            if (percent == 0 && fill != fill_style::none) continue;
            const std::string where =
                fill == fill_style::none
                    ? std::string("all ports free")
                    : fmt_percent(percent) + " of the ports in use" +
                          (fill == fill_style::by_kernel ? ", chosen by the kernel" : ", at random places");
            add("open " + words_of(transport) + ", " + where,
                find_cell(r.cells, "bind_zero", transport, fill, percent),
                ready_socket(r.cells, transport, fill, percent));
            if (fill == fill_style::by_kernel)
                add("  bring your own socket (associate + bind), the same",
                    find_cell(r.cells, "bind_zero", transport, fill, percent),
                    find_cell(r.cells, "berth_associate", transport, fill, percent));
        }
    }
    for (const fill_style fill : {fill_style::none, fill_style::by_kernel}) {
        const double percent = highest_occupancy(r.outbound, protocol::tcp, fill);
        if (percent == 0 && fill != fill_style::none) continue;
        add("connect to a server, " + (fill == fill_style::none ? std::string("all ports free")
                                                                : fmt_percent(percent) + " of the ports in use"),
            find_cell(r.outbound, "connect", protocol::tcp, fill, percent),
            find_cell(r.outbound, "connect_taken", protocol::tcp, fill, percent));
    }
    return lines;
}

}  // namespace berth::bench
