// See svg_chart.hpp.
#include "report/svg_chart.hpp"

#include "report/svg_parts.hpp"
#include "report/wording.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace berth::bench {
namespace {

using svg::opening, svg::rule, svg::text, svg::width;

/// Nanoseconds to a place between `from` and `to`, whole decades at both ends.
class log_scale {
public:
    log_scale(double least, double most, double from, double to)
        : low_(std::floor(std::log10(std::max(least, 1.0)))),
          high_(std::max(std::ceil(std::log10(std::max(most, 10.0))), low_ + 1)),
          from_(from),
          to_(to) {}
    [[nodiscard]] double at(double ns) const {
        const double share = (std::log10(std::max(ns, 1.0)) - low_) / (high_ - low_);
        return from_ + std::clamp(share, 0.0, 1.0) * (to_ - from_);
    }
    [[nodiscard]] std::vector<double> decades() const {
        std::vector<double> out;
        for (double d = low_; d <= high_; ++d) out.push_back(std::pow(10.0, d));
        return out;
    }

private:
    double low_, high_, from_, to_;
};

std::string decade_name(double ns) {
    if (ns < 1e3) return fmt::format("{:g} ns", ns);
    if (ns < 1e6) return fmt::format("{:g} us", ns / 1e3);
    return fmt::format("{:g} ms", ns / 1e6);
}

struct extent {
    double least = std::numeric_limits<double>::max();
    double most = 1;
    void add(double ns) {
        least = std::min(least, ns);
        most = std::max(most, ns);
    }
};

// The decades of a horizontal axis, written where there is room.
std::string axis(const log_scale& x, double top, double bottom, double left, double right) {
    const auto decades = x.decades();
    const std::size_t written = svg::one_in(decades.size(), 6, right - left);
    std::string out;
    for (std::size_t i = 0; i < decades.size(); ++i) {
        const double at = x.at(decades[i]);
        out += rule(at, top, at, bottom);
        if (i % written != 0) continue;
        out += text(at, bottom + 19,
                    at > right - 30  ? "end"
                    : at < left + 30 ? "start"
                                     : "middle",
                    decade_name(decades[i]));
    }
    return out;
}

extent extent_of(const std::vector<series>& lines) {
    extent e;
    for (const series& line : lines)
        for (const auto& point : line.points)
            if (point) e.add(*point);
    return e;
}

}  // namespace

std::string line_chart(const std::vector<std::string>& columns, const std::vector<series>& lines) {
    const double left = 62, right = width - 4, top = 12, bottom = 232;
    const extent e = extent_of(lines);
    const log_scale y(e.least, e.most, bottom, top);
    const double steps = columns.size() > 1 ? static_cast<double>(columns.size() - 1) : 1.0;
    const auto x = [&](std::size_t column) {
        return left + 12 + (right - left - 24) * static_cast<double>(column) / steps;
    };
    std::size_t longest = 1;
    for (const std::string& column : columns) longest = std::max(longest, column.size());
    const bool in_turns = svg::letter * static_cast<double>(longest + 1) > (right - left - 24) / steps;
    std::string svg = opening(bottom + (in_turns ? 44 : 26));
    for (const double ns : y.decades())
        svg += rule(left, y.at(ns), right, y.at(ns)) + text(left - 5, y.at(ns) + 5, "end", decade_name(ns));
    for (std::size_t c = 0; c < columns.size(); ++c) {
        const bool is_last = c + 1 == columns.size();
        svg += text(is_last ? width - 1 : x(c), bottom + (in_turns && c % 2 == 1 ? 38 : 20),
                    is_last ? "end" : "middle", columns[c]);
    }
    for (const series& line : lines) {
        std::string path, dots;
        for (std::size_t c = 0; c < line.points.size(); ++c) {
            if (!line.points[c]) continue;
            path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "M" : "L", x(c), y.at(*line.points[c]));
            dots += fmt::format(
                "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" class=\"f{}\"><title>{}, {}: {}</title></circle>", x(c),
                y.at(*line.points[c]), line.colour, line.label, columns[c], fmt_time(*line.points[c]));
        }
        svg += fmt::format("<path d=\"{}\" class=\"line s{}\"/>{}", path, line.colour, dots);
    }
    return svg + "</svg>";
}

std::string bar_chart(const std::vector<bar>& bars) {
    const double left = 4, right = width - 10;
    extent e;
    svg::rows rows;
    for (const bar& b : bars) {
        e.add(b.p50);
        e.add(b.p99);
        rows.add(b.label, fmt_time(b.p50) + b.note);
    }
    const log_scale x(e.least / 3, e.most, left, right);
    std::string svg =
        opening(rows.bottom() + 26) + axis(x, svg::rows::top, rows.bottom(), left, right) + rows.words();
    for (std::size_t i = 0; i < bars.size(); ++i) {
        const bar& b = bars[i];
        const double y = rows.bar_of(i);
        svg += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" rx=\"2\" class=\"f{}\"/>",
                           left, y, std::max(x.at(b.p50) - left, 1.0), svg::rows::bar_height, b.colour);
        svg += fmt::format("<path d=\"M{0:.1f},{2:.1f}L{1:.1f},{2:.1f}M{1:.1f},{3:.1f}v8\" class=\"whisker\"/>",
                           x.at(b.p50), x.at(b.p99), y + 6, y + 2);
    }
    return svg + "</svg>";
}

std::string cumulative_chart(const std::vector<series>& lines) {
    const double left = 60, right = width - 10, top = 12, bottom = 232;
    const extent e = extent_of(lines);
    const log_scale x(e.least, e.most, left, right);
    std::string svg = opening(bottom + 26);
    for (const int percent : {0, 25, 50, 75, 100}) {
        const double y = bottom - (bottom - top) * percent / 100.0;
        svg += rule(left, y, right, y) + text(left - 5, y + 5, "end", fmt::format("{} %", percent));
    }
    svg += axis(x, top, bottom, left, right);
    for (const series& line : lines) {
        std::string path;
        for (std::size_t i = 0; i < line.points.size(); ++i)
            if (line.points[i])
                path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "M" : "L", x.at(*line.points[i]),
                                    bottom - (bottom - top) * static_cast<double>(i) / 100.0);
        svg += fmt::format("<path d=\"{}\" class=\"line s{}\"/>", path, line.colour);
    }
    return svg + "</svg>";
}

}  // namespace berth::bench
