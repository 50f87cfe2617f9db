// The arithmetic of histograms. A part is one shard's; its buckets are apart from everybody else's.
#include <berth/service/metric.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace berth::service {

histogram::histogram(std::vector<double> bounds) : bounds_(std::move(bounds)) {
    for (std::size_t i = 0; i < bounds_.size(); ++i) {
        if (!std::isfinite(bounds_[i]) || (i > 0 && bounds_[i] <= bounds_[i - 1])) {
            throw std::invalid_argument("berth: a histogram's bounds must ascend: " + std::to_string(bounds_[i]));
        }
    }
    for (part& p : parts_) p.counts = std::make_unique<std::atomic<std::uint64_t>[]>(bounds_.size() + 1);
}

void histogram::observe(double value) noexcept {
    if (std::isnan(value)) return;
    const auto bucket =
        static_cast<std::size_t>(std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin());
    part& mine = parts_[detail::this_threads_cell()];
    mine.counts[bucket].fetch_add(1, std::memory_order_relaxed);
    mine.sum.fetch_add(value, std::memory_order_relaxed);
}

std::vector<std::uint64_t> histogram::counts() const {
    std::vector<std::uint64_t> all(bounds_.size() + 1);
    for (const part& p : parts_) {
        for (std::size_t i = 0; i < all.size(); ++i) all[i] += p.counts[i].load(std::memory_order_relaxed);
    }
    return all;
}

double histogram::sum() const noexcept {
    double all = 0;
    for (const part& p : parts_) all += p.sum.load(std::memory_order_relaxed);
    return all;
}

std::vector<double> growing_bounds(double first, double factor, std::size_t count) {
    std::vector<double> bounds;
    bounds.reserve(count);
    while (bounds.size() < count) bounds.push_back(bounds.empty() ? first : bounds.back() * factor);
    return bounds;
}

}  // namespace berth::service
