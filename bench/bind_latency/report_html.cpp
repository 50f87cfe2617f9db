// See report_html.hpp.
#include "bind_latency/report_html.hpp"

#include "bind_latency/report_charts.hpp"
#include "report/html_page.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace berth::bench {
namespace {

std::string both(const distribution& d) { return fmt_time(d.p50) + " / " + fmt_time(d.p99); }

std::string plain_section(const report& r) {
    if (r.plain.empty()) return {};
    std::string out =
        "<h2>What you want to do</h2><p class=\"soft\">Two times each: half of the calls were done within the first, "
        "99 % within the second.</p><div class=\"wide\"><table class=\"plain\"><thead><tr><th>wish</th><th>the "
        "kernel's way</th>"
        "<th>with berth</th><th>faster</th></tr></thead><tbody>";
    for (const plain_line& line : r.plain)
        out += fmt::format(
            "<tr><td>{}</td><td data-k=\"the kernel's way\">{}</td><td data-k=\"with berth\">{}</td>"
            "<td data-k=\"faster\"><span class=\"times\">{}</span></td></tr>",
            escaped(line.wish), both(line.theirs), both(line.ours),
            fmt_times(line.theirs.p50 / std::max(line.ours.p50, 1.0)));
    return out + "</tbody></table></div>";
}

std::string targets_of(const report& r) {
    std::vector<target_row> rows;
    for (const target& t : r.targets) rows.push_back({t.what, t.goal, t.measured, t.reached});
    return targets_section(
        "What the project set out to reach; ratios of things that took turns within this run.", rows);
}

std::string cells_section(const std::vector<cell>& cells, std::string_view title) {
    std::string out = fmt::format(
        "<details><summary>{}</summary><div class=\"wide\"><table><tr><th>transport</th><th>full</th><th>filled</th>"
        "<th>threads</th><th class=\"l\">strategy</th><th>p50 ns</th><th>p99</th><th>p99.9</th><th>max</th>"
        "<th>faster</th><th>failed</th></tr>",
        title);
    for (const cell& c : cells) {
        out +=
            fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"l\">{}</td>",
                        name_of(c.transport), fmt_percent(c.occupancy), name_of(c.fill), c.threads, c.entry->label);
        if (c.time.count == 0) {
            out += fmt::format("<td colspan=\"6\" class=\"l\">not run: {}</td></tr>", escaped(c.reason));
            continue;
        }
        out += fmt::format(
            "<td>{:.0f}</td><td>{:.0f}</td><td>{:.0f}</td><td>{:.0f}</td><td>{}</td><td>{:.1f} %</td></tr>",
            c.time.p50, c.time.p99, c.time.p999, c.time.max, fmt_times(c.ratio),
            100.0 * static_cast<double>(c.failures) / static_cast<double>(std::max<std::uint64_t>(c.attempts, 1)));
    }
    return out + "</table></div></details>";
}

std::string timed_section(const report& r) {
    std::string out = fmt::format(
        "<h2>What is timed</h2><p>Each sample is one operation, less the {} ns that reading the clock costs. Giving "
        "the socket back is not in the samples.</p><div class=\"wide\"><table><tr><th>strategy</th>"
        "<th class=\"l\">one sample covers (listen: TCP alone)</th></tr>",
        r.clock_cost);
    for (const auto* entries : {&all_strategies(), &outbound_strategies()})
        for (const auto& entry : *entries)
            out += fmt::format("<tr><td>{}</td><td class=\"l\">{}</td></tr>", entry.label, entry.timed);
    return out + "</table></div>";
}

}  // namespace

void write_html(const report& r, const std::string& path) {
    write_page(
        path, "berth: bind latency",
        fmt::format("<h1>How long until a socket has its port?</h1><p>{} Block of berth's: {} ports, as full as the "
                    "range.</p><p class=\"soft\">{} run of {}, {} on {}.</p>",
                    escaped(r.where.note), r.block_ports, r.mode, r.when, r.kernel, escaped(r.machine)) +
            plain_section(r) + charts_section(r) + targets_of(r) + timed_section(r) + "<h2>All figures</h2>" +
            cells_section(r.cells, "bind: every scene") + cells_section(r.outbound, "connect: every scene"));
}

}  // namespace berth::bench
