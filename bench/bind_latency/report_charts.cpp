// See report_charts.hpp.
#include "bind_latency/report_charts.hpp"

#include "report/html_page.hpp"
#include "report/svg_chart.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace berth::bench {
namespace {

int colour_of(const strategy_entry& entry) {
    const auto& all = all_strategies();
    for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i].name == entry.name) return static_cast<int>(i % 10);
    return entry.whose == approach::kernel ? 0 : entry.whose == approach::program ? 1 : 6;
}

bool crowded_by(const cell& c, fill_style style) { return c.fill == style || c.fill == fill_style::none; }

std::string growth(const std::vector<cell>& cells, protocol transport, fill_style style) {
    std::set<double> occupied;
    std::vector<series> lines;
    for (const cell& c : cells)
        if (c.transport == transport && crowded_by(c, style)) occupied.insert(c.occupancy);
    const std::vector<double> order(occupied.begin(), occupied.end());
    std::vector<std::string> columns;
    for (const double percent : order) columns.push_back(fmt_percent(percent));
    for (const cell& c : cells) {
        if (c.transport != transport || !crowded_by(c, style) || c.threads != 1 || c.time.count == 0) continue;
        const std::string label(c.entry->label);
        auto line = std::find_if(lines.begin(), lines.end(), [&](const series& s) { return s.label == label; });
        if (line == lines.end())
            line = lines.insert(lines.end(),
                                {label, colour_of(*c.entry), std::vector<std::optional<double>>(order.size())});
        const auto column =
            static_cast<std::size_t>(std::find(order.begin(), order.end(), c.occupancy) - order.begin());
        line->points[column] = c.time.p50;
    }
    if (lines.empty()) return {};
    return card(fmt::format("{}: the median as ports run out", transport == protocol::tcp ? "TCP listener" : "UDP"),
                style == fill_style::by_kernel ? "The range was filled by the kernel itself, with bind(0)."
                                               : "The range was filled at random places.",
                line_chart(columns, lines) + legend(lines));
}

std::string bars(const std::vector<cell>& cells, std::string_view title, protocol transport, fill_style style,
                 double percent) {
    std::vector<bar> entries;
    for (const cell& c : cells) {
        if (c.transport != transport || c.fill != style || c.occupancy != percent || c.threads != 1) continue;
        if (c.time.count == 0) continue;
        const double failed = static_cast<double>(c.failures) / static_cast<double>(c.attempts);
        entries.push_back({std::string(c.entry->label), colour_of(*c.entry), c.time.p50, c.time.p99,
                           failed > 0.001 ? fmt::format(", {:.0f} % fail", failed * 100) : ""});
    }
    if (entries.empty()) return {};
    return card(fmt::format("{}, {}", title, percent == 0 ? "empty range" : fmt_percent(percent) + " full"),
                percent == 0                     ? "Bar: median. Whisker: 99 % within."
                : style == fill_style::by_kernel ? "Filled by the kernel. Bar: median. Whisker: 99 % within."
                                                 : "Filled at random. Bar: median. Whisker: 99 % within.",
                bar_chart(entries));
}

std::string cumulative(const std::vector<cell>& cells, protocol transport, double percent) {
    std::vector<series> lines;
    for (const cell& c : cells) {
        if (c.transport != transport || c.fill != fill_style::by_kernel || c.occupancy != percent || c.threads != 1)
            continue;
        if (c.time.count == 0) continue;
        series line{std::string(c.entry->label), colour_of(*c.entry), {}};
        for (const double ns : c.time.curve) line.points.emplace_back(ns);
        lines.push_back(std::move(line));
    }
    if (lines.empty()) return {};
    return card(fmt::format("{}, {} full: how many are done in time",
                            transport == protocol::tcp ? "TCP listener" : "UDP", fmt_percent(percent)),
                "Share of operations that took at most so long. Filled by the kernel.",
                cumulative_chart(lines) + legend(lines));
}

double most_crowded(const std::vector<cell>& cells) {
    double most = 0;
    for (const cell& c : cells)
        if (c.time.count > 0) most = std::max(most, c.occupancy);
    return most;
}

}  // namespace

std::string charts_section(const report& r) {
    const double most = most_crowded(r.cells);
    std::string out = "<h2>From an empty range to a full one</h2><div class=\"cards pairs\">";
    for (const protocol transport : {protocol::udp, protocol::tcp})
        for (const fill_style style : {fill_style::by_kernel, fill_style::at_random})
            out += growth(r.cells, transport, style);
    out += "</div><h2>Side by side</h2><div class=\"cards\">";
    for (const protocol transport : {protocol::udp, protocol::tcp}) {
        const std::string_view title = transport == protocol::tcp ? "TCP listener" : "UDP";
        out += bars(r.cells, title, transport, fill_style::none, 0);
        if (most == 0) continue;
        out += bars(r.cells, title, transport, fill_style::by_kernel, most);
        out += bars(r.cells, title, transport, fill_style::at_random, most);
    }
    out += "</div>";
    if (most > 0) {
        out += "<h2>Not only the median</h2><div class=\"cards pairs\">";
        for (const protocol transport : {protocol::udp, protocol::tcp}) out += cumulative(r.cells, transport, most);
        out += "</div>";
    }
    if (!r.outbound.empty()) {
        const double full = most_crowded(r.outbound);
        out += "<h2>Outbound: connect()</h2><div class=\"cards\">";
        out += bars(r.outbound, "Connect over loopback", protocol::tcp, fill_style::none, 0);
        if (full > 0) {
            out += bars(r.outbound, "Connect over loopback", protocol::tcp, fill_style::by_kernel, full);
            out += bars(r.outbound, "Connect over loopback", protocol::tcp, fill_style::at_random, full);
        }
        out += "</div>";
    }
    return out;
}

}  // namespace berth::bench
