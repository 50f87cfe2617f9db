// See report_html.hpp.
#include "contest/report_html.hpp"

#include "contest/report_words.hpp"
#include "report/html_page.hpp"
#include "report/ratio_chart.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace berth::bench {
namespace {

/// Memory has no interval and its first contestant may need next to nothing: bars of bytes, in units of the largest.
std::string memory_chart(const scene_result& scene) {
    double most = 1;
    for (const contestant_result& c : scene.contestants) most = std::max(most, c.figure);
    std::vector<ratio_bar> bars;
    for (const contestant_result& c : scene.contestants)
        if (c.reason.empty())
            bars.push_back(
                {std::string(c.shown.label), c.shown.colour, c.figure / most, 0, 0, fmt_figure(scene, c.figure)});
    return card(scene.title, "Bytes per connection, as shares of the largest.", ratio_chart(bars));
}

std::string chart(const scene_result& scene) {
    if (scene.figure == headline::memory) return memory_chart(scene);
    const contestant_result* first = yardstick(scene);
    if (first == nullptr) return {};
    std::vector<ratio_bar> bars;
    for (const contestant_result& c : scene.contestants) {
        if (c.figure <= 0) continue;
        const bool is_first = &c == first;
        bars.push_back({std::string(c.shown.label), c.shown.colour, c.ratio.value, is_first ? 0 : c.ratio.low,
                        is_first ? 0 : c.ratio.high,
                        fmt::format("{} ({:.2f})", fmt_figure(scene, c.figure), c.ratio.value)});
    }
    return card(escaped(scene.title),
                escaped(fmt::format("Bar: {}, in times of {}'s. Whisker: 95 % interval.", figure_name(scene),
                                    first->shown.label)),
                ratio_chart(bars));
}

std::string latency_chart(const scene_result& scene) {
    std::vector<bar> bars;
    for (const contestant_result& c : scene.contestants)
        if (c.figure > 0 && c.p50 > 0)
            bars.push_back({std::string(c.shown.label), c.shown.colour, c.p50, c.p99, " / " + fmt_time(c.p99)});
    if (bars.empty()) return {};
    return card(escaped(scene.title), "Time that a client waits. Bar: median. Whisker: 99 % within.",
                bar_chart(bars));
}

std::string table(const scene_result& scene) {
    std::string out = fmt::format(
        "<details><summary>{}{}</summary><p class=\"soft\">{}</p><div class=\"wide\"><table><tr><th>server</th>"
        "<th>{}</th><th>ratio</th><th>95 %</th><th>server time</th><th>{}s/s</th><th>p50</th><th>p99</th>"
        "<th>busy</th><th class=\"l\"></th></tr>",
        escaped(scene.title), fmt_fewer(scene), escaped(scene.what.meaning), escaped(figure_name(scene)),
        scene.what.unit);
    for (const contestant_result& c : scene.contestants) {
        out += fmt::format("<tr><td>{}</td>", escaped(c.shown.label));
        if (scene.figure == headline::memory && c.reason.empty())
            out += fmt::format("<td>{}</td><td colspan=\"8\"></td>", fmt_figure(scene, c.figure));
        else if (c.figure <= 0)
            out += fmt::format("<td colspan=\"9\" class=\"l\">{}</td>", escaped(c.reason));
        else
            out += fmt::format(
                "<td>{}</td><td>{:.2f}</td><td>{}</td><td>{}</td><td>{:.0f}</td><td>{}</td><td>{}</td>"
                "<td>{:.0f} %</td><td class=\"l\">{}</td>",
                fmt_figure(scene, c.figure), c.ratio.value, fmt_interval(scene, c), fmt_time(c.server_ns),
                c.units_per_second, fmt_time(c.p50), fmt_time(c.p99), c.busy * 100, escaped(fmt_remark(c)));
        out += "</tr>";
    }
    return out + "</table></div></details>";
}

std::string targets_of(const report& r) {
    std::vector<target_row> rows;
    for (const target_result& t : r.targets) rows.push_back({t.what, t.goal, t.measured, t.is_reached});
    return targets_section("Reached when the lower end of the interval is within the limit.", rows);
}

}  // namespace

void write_html(const report& r, const std::string& path) {
    std::string body = "<h1>" + escaped(r.question) + "</h1><ul class=\"soft\">";
    for (const std::string& line : how_to_read(r)) body += "<li>" + escaped(line) + "</li>";
    body += fmt::format("</ul><p class=\"soft\">{} run of {}, {} on {}.</p>", r.mode, r.where.when, r.where.kernel,
                        escaped(r.where.machine));
    std::string costs, waits, tables;
    for (const scene_result& scene : r.scenes) {
        costs += chart(scene);
        tables += table(scene);
        if (scene.figure == headline::processor_time || scene.figure == headline::median_latency)
            waits += latency_chart(scene);
    }
    body += "<h2>Side by side</h2><div class=\"cards\">" + costs + "</div><h2>How long clients wait</h2>" +
            "<div class=\"cards\">" + waits + "</div>" + targets_of(r) + "<h2>All figures</h2>" + tables;
    write_page(path, "berth: " + r.program, body);
}

}  // namespace berth::bench
