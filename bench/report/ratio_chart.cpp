// See ratio_chart.hpp.
#include "report/ratio_chart.hpp"

#include "report/svg_parts.hpp"

#include <algorithm>
#include <cmath>

namespace berth::bench {
namespace {

/// A step of 1, 2 or 5 times a power of ten that divides `most` in about four.
double readable_step(double most) {
    const double raw = most / 4;
    const double power = std::pow(10.0, std::floor(std::log10(raw)));
    const double digit = raw / power;
    return (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10) * power;
}

}  // namespace

std::string ratio_chart(const std::vector<ratio_bar>& bars) {
    const double left = 4, right = svg::width - 10;
    double most = 1;
    svg::rows rows;
    for (const ratio_bar& b : bars) {
        most = std::max({most, b.ratio, b.high});
        rows.add(b.label, b.note);
    }
    most *= 1.05;
    const double bottom = rows.bottom();
    const auto x = [&](double ratio) { return left + (right - left) * ratio / most; };
    std::string out = svg::opening(bottom + 26);
    for (double at = 0; at <= most; at += readable_step(most))
        out += svg::rule(x(at), svg::rows::top, x(at), bottom) + svg::text(x(at), bottom + 19,
                                                                           at == 0              ? "start"
                                                                           : x(at) > right - 30 ? "end"
                                                                                                : "middle",
                                                                           fmt::format("{:g}", at));
    for (std::size_t i = 0; i < bars.size(); ++i) {
        const ratio_bar& b = bars[i];
        const double y = rows.bar_of(i);
        out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" rx=\"2\" class=\"f{}\"/>",
                           left, y, std::max(x(b.ratio) - left, 1.0), svg::rows::bar_height, b.colour);
        if (b.high > b.low)
            out += fmt::format(
                "<path d=\"M{0:.1f},{2:.1f}L{1:.1f},{2:.1f}M{0:.1f},{3:.1f}v8M{1:.1f},{3:.1f}v8\" "
                "class=\"whisker\"/>",
                x(b.low), x(b.high), y + 6, y + 2);
    }
    return out + rows.words() +
           fmt::format("<line x1=\"{0:.1f}\" y1=\"4\" x2=\"{0:.1f}\" y2=\"{1:.1f}\" class=\"whisker\"/></svg>", x(1),
                       bottom);
}

}  // namespace berth::bench
