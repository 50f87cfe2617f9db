// What a set of samples says: percentiles by nearest rank, and a curve for the charts.
//
// Nearest rank: the q-th percentile is the smallest sample that at least q of all samples do not exceed. It is always
// a sample that occurred; nothing is interpolated. With fewer than 1 / (1 - q) samples it is the maximum.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace berth::bench {

/// Pre: `sorted` ascending and not empty; 0 < q <= 1.
template <class T>
[[nodiscard]] T nearest_rank(std::span<const T> sorted, double q) {
    // The product is nudged down: 0.999 * 1000 is a hair above 999 in binary and must not become rank 1000.
    const double rank = std::ceil(q * static_cast<double>(sorted.size()) * (1.0 - 1e-12));
    const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
    return sorted[std::min(index, sorted.size() - 1)];
}

struct distribution {
    std::size_t count = 0;  // samples; 0: all other members mean nothing
    double p50 = 0, p99 = 0, p999 = 0, max = 0;
    std::vector<double> curve;  // 101 points: quantiles 0, 0.01, ..., 1
};

template <class T>
[[nodiscard]] distribution summarize(std::vector<T> samples) {
    distribution d;
    d.count = samples.size();
    if (samples.empty()) return d;
    std::sort(samples.begin(), samples.end());
    const std::span<const T> sorted{samples};
    d.p50 = static_cast<double>(nearest_rank(sorted, 0.5));
    d.p99 = static_cast<double>(nearest_rank(sorted, 0.99));
    d.p999 = static_cast<double>(nearest_rank(sorted, 0.999));
    d.max = static_cast<double>(sorted.back());
    for (int i = 0; i <= 100; ++i)
        d.curve.push_back(i == 0 ? static_cast<double>(sorted.front())
                                 : static_cast<double>(nearest_rank(sorted, i / 100.0)));
    return d;
}

[[nodiscard]] inline double lower_quartile(std::vector<double> figures) {
    std::sort(figures.begin(), figures.end());
    return nearest_rank(std::span<const double>{figures}, 0.25);
}

[[nodiscard]] inline double median(std::vector<double> figures) {
    std::sort(figures.begin(), figures.end());
    return nearest_rank(std::span<const double>{figures}, 0.5);
}

}  // namespace berth::bench
