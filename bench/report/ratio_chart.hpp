// A chart of ratios as SVG text, from zero and linear: half the length is half the cost.
#pragma once

#include <string>
#include <vector>

namespace berth::bench {

struct ratio_bar {
    std::string label;
    int colour = 0;  // class f<colour>, see svg_chart.hpp
    double ratio = 0;
    double low = 0, high = 0;  // its interval; equal: none is drawn
    std::string note;          // at the right end
};

/// One bar per entry with its interval as a whisker, and a rule where the ratio is 1.
[[nodiscard]] std::string ratio_chart(const std::vector<ratio_bar>& bars);

}  // namespace berth::bench
