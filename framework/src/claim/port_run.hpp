// The search for consecutive available ports, fed word by word.
//
// Knows nothing of threads: what it is fed is what was read. Positions are the bitmap's, alignment is of port numbers.
#pragma once

#include <bit>
#include <cstdint>

namespace berth::claim {

class run_search {
public:
    /// `length` ports, the first one's number a multiple of `alignment`; `base` is the port at position 0.
    run_search(std::uint32_t length, std::uint32_t alignment, std::uint32_t base) noexcept
        : length_(length), alignment_(alignment), base_(base) {}

    /// The 32 positions from `at` on, in ascending order of calls. True: there is a run, and begin() is its first.
    bool feed(std::uint32_t at, std::uint32_t available) noexcept {
        for (std::uint32_t done = 0; done < 32;) {
            const std::uint32_t left = available >> done;
            if (left == 0) {
                is_broken_ = true;
                return false;
            }
            if (const int gap = std::countr_zero(left); gap != 0) {
                is_broken_ = true;
                done += static_cast<std::uint32_t>(gap);
                continue;
            }
            if (is_broken_) begin_at(at + done);
            done += static_cast<std::uint32_t>(std::countr_one(left));
            if (at + done >= begin_ + length_) return true;
        }
        return false;
    }
    [[nodiscard]] std::uint32_t begin() const noexcept { return begin_; }

private:
    void begin_at(std::uint32_t position) noexcept {
        const std::uint32_t over = (base_ + position) % alignment_;
        begin_ = position + (over == 0 ? 0 : alignment_ - over);
        is_broken_ = false;
    }

    std::uint32_t length_, alignment_, base_;
    std::uint32_t begin_ = 0;
    bool is_broken_ = true;
};

}  // namespace berth::claim
