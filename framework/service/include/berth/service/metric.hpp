// What a program counts: counters, gauges and histograms, updated by shards without a lock.
//
// Invariant: an update is one atomic addition in a cache line of the shard's own; the sum is made when it is asked
// for, and the sum of a counter never falls.
#pragma once

#include <berth/detail/current_shard.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace berth::service {

namespace detail {

inline constexpr std::size_t cells = 16;  ///< shards beyond these share

inline std::size_t this_threads_cell() noexcept { return berth::detail::this_threads_shard().index % cells; }

template <class Number>
struct alignas(64) cell {
    std::atomic<Number> value{0};
};

}  // namespace detail

/// Only ever grows. Any thread.
class counter {
public:
    void add(std::uint64_t count = 1) noexcept {
        cells_[detail::this_threads_cell()].value.fetch_add(count, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const noexcept {
        std::uint64_t sum = 0;
        for (const auto& cell : cells_) sum += cell.value.load(std::memory_order_relaxed);
        return sum;
    }

private:
    std::array<detail::cell<std::uint64_t>, detail::cells> cells_;
};

/// Goes up and down. Any thread; set() is for gauges that nobody adds to.
class gauge {
public:
    void add(std::int64_t count) noexcept {
        cells_[detail::this_threads_cell()].value.fetch_add(count, std::memory_order_relaxed);
    }
    void set(std::int64_t value) noexcept { cells_[0].value.store(value, std::memory_order_relaxed); }
    [[nodiscard]] std::int64_t value() const noexcept {
        std::int64_t sum = 0;
        for (const auto& cell : cells_) sum += cell.value.load(std::memory_order_relaxed);
        return sum;
    }

private:
    std::array<detail::cell<std::int64_t>, detail::cells> cells_;
};

/// How often something was how large, e.g. how long in seconds. Any thread.
class histogram {
public:
    /// Upper bounds of the buckets, ascending; what is above the last has a bucket of its own. Throws
    /// std::invalid_argument if they do not ascend.
    explicit histogram(std::vector<double> bounds);
    void observe(double value) noexcept;

    [[nodiscard]] const std::vector<double>& bounds() const noexcept { return bounds_; }
    /// Of each bucket by itself, bounds().size() + 1 of them.
    [[nodiscard]] std::vector<std::uint64_t> counts() const;
    [[nodiscard]] double sum() const noexcept;

private:
    struct alignas(64) part {
        std::unique_ptr<std::atomic<std::uint64_t>[]> counts;
        std::atomic<double> sum{0};
    };
    std::vector<double> bounds_;
    std::array<part, detail::cells> parts_;
};

/// Bounds for latencies: from `first` seconds on, each `factor` times the one before.
[[nodiscard]] std::vector<double> growing_bounds(double first, double factor, std::size_t count);

}  // namespace berth::service
