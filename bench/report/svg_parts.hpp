// What every chart is drawn with: words, thin rules, the frame. Private to the charts of this folder.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace berth::bench::svg {

/// All charts are as wide; see svg_chart.hpp.
inline constexpr double width = 420;

inline std::string text(double x, double y, std::string_view anchor, std::string_view words,
                        std::string_view kind = "") {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>", x, y, anchor,
                       kind, words);
}

inline std::string rule(double x1, double y1, double x2, double y2) {
    return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"grid\"/>", x1, y1, x2,
                       y2);
}

inline std::string opening(double height) {
    return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">", width, height);
}

}  // namespace berth::bench::svg
