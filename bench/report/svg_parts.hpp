// What every chart is drawn with: words, thin rules, the frame, rows of bars. Private to the charts of this folder.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace berth::bench::svg {

/// All charts are as wide; see svg_chart.hpp.
inline constexpr double width = 320;
/// Of a letter of 16 units in the widest of the usual fonts, about; what it decides is only where there is room.
inline constexpr double letter = 9.5;

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

/// Of so many labels on an axis as long, one in how many is written.
inline std::size_t one_in(std::size_t labels, double longest, double room) {
    const double fitting = std::max(1.0, room / (letter * (longest + 2)));
    return static_cast<std::size_t>(std::ceil(static_cast<double>(labels) / fitting));
}

/// Rows of a chart with bars: words above each bar, and what is at their right end in a line of its own where the two
/// have no room side by side. Words that are longer than the chart are broken once.
class rows {
public:
    void add(std::string_view label, std::string_view note) {
        bottom_ += line;
        if (label.size() > most_letters) {
            const auto blank = std::min(label.rfind(' ', most_letters), label.size());
            words_ += text(2, bottom_, "start", label.substr(0, blank), "on");
            label.remove_prefix(std::min(blank + 1, label.size()));
            bottom_ += line;
        }
        words_ += text(2, bottom_, "start", label, "on");
        if (letter * static_cast<double>(label.size() + note.size() + 1) > width) bottom_ += line;
        words_ += text(width - 4, bottom_, "end", note, "on strong");
        bars_.push_back(bottom_ + 7);
        bottom_ = bars_.back() + bar_height + 8;
    }
    [[nodiscard]] double bar_of(std::size_t row) const { return bars_[row]; }
    [[nodiscard]] double bottom() const { return bottom_; }
    [[nodiscard]] const std::string& words() const { return words_; }
    static constexpr double top = 2, bar_height = 12;

private:
    static constexpr double line = 18;
    static constexpr std::size_t most_letters = 36;
    double bottom_ = top;
    std::vector<double> bars_;
    std::string words_;
};

}  // namespace berth::bench::svg
