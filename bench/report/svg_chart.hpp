// Charts as SVG text, times on a logarithmic scale. Colours are classes of the page: s0, s1, ... one per series.
//
// Drawn 320 units wide with letters of 16, so that they are as large as the page's own on a phone of 360.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace berth::bench {

struct series {
    std::string label;
    int colour = 0;                             // class s<colour>
    std::vector<std::optional<double>> points;  // nanoseconds; one per column
};

/// One line per series over named columns.
[[nodiscard]] std::string line_chart(const std::vector<std::string>& columns, const std::vector<series>& lines);

struct bar {
    std::string label;
    int colour = 0;
    double p50 = 0, p99 = 0;
    std::string note;  // beside the figure, e.g. a failure rate
};

/// One bar per entry up to its p50, with a whisker up to its p99.
[[nodiscard]] std::string bar_chart(const std::vector<bar>& bars);

/// Share of operations (0 to 100 %) that took at most so long. Points are quantiles 0, 0.01, ..., 1.
[[nodiscard]] std::string cumulative_chart(const std::vector<series>& lines);

}  // namespace berth::bench
