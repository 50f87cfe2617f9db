// Where one thread puts its samples: a fixed store, filled fairly however many samples come.
//
// Invariant: each sample seen so far is kept with the same probability (a reservoir), and the largest one always.
// Nothing is allocated while a slice runs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace berth::bench {

class recorder {
public:
    explicit recorder(std::size_t room = 32'768) : room_(std::max<std::size_t>(room, 2)) { samples_.reserve(room_); }

    void record(std::int64_t value) noexcept {
        const auto sample = static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, UINT32_MAX));
        largest_ = std::max(largest_, sample);
        ++seen_;
        if (samples_.size() < room_) {
            samples_.push_back(sample);
        } else if (const std::uint64_t slot = next() % seen_; slot < room_) {
            samples_[slot] = sample;
        }
    }
    void record_failure() noexcept { ++failures_; }

    [[nodiscard]] std::uint64_t seen() const noexcept { return seen_; }
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

    /// Adds this recorder's samples to `all`.
    void pour_into(std::vector<std::uint32_t>& all) const {
        all.insert(all.end(), samples_.begin(), samples_.end());
        if (seen_ > room_ && !samples_.empty()) all.push_back(largest_);
    }

private:
    std::uint64_t next() noexcept {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        return state_ ^= state_ << 17;
    }

    std::size_t room_;
    std::vector<std::uint32_t> samples_;
    std::uint32_t largest_ = 0;
    std::uint64_t seen_ = 0;
    std::uint64_t failures_ = 0;
    std::uint64_t state_ = 0x9e3779b97f4a7c15;
};

}  // namespace berth::bench
