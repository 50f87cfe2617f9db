// How often a port was taken, in six bytes: with the port's state behind it a record has eight.
//
// One writer, whoever owns the port; any reader. The upper half has a mark while the lower one begins anew, so that no
// reader sees the count go back. 2^47 takes of one port are months of nothing else.
#pragma once

#include <atomic>
#include <cstdint>

namespace berth::detail {

class take_count {
public:
    void add_one() noexcept {
        const std::uint32_t next = low_.load(std::memory_order_relaxed) + 1;
        if (next != 0) return low_.store(next, std::memory_order_relaxed);
        const std::uint16_t high = high_.load(std::memory_order_relaxed);
        high_.store(static_cast<std::uint16_t>(high | mark), std::memory_order_relaxed);
        low_.store(0, std::memory_order_release);
        high_.store(static_cast<std::uint16_t>((high + 1) & most), std::memory_order_release);
    }
    [[nodiscard]] std::uint64_t get() const noexcept {
        for (;;) {
            const std::uint16_t high = high_.load(std::memory_order_acquire);
            if ((high & mark) != 0) return ((high & most) + std::uint64_t{1}) << 32;
            const std::uint32_t low = low_.load(std::memory_order_acquire);
            if (high_.load(std::memory_order_relaxed) == high) return std::uint64_t{high} << 32 | low;
        }
    }
    /// The lower half alone, which tells one take from the next.
    [[nodiscard]] std::uint32_t low() const noexcept { return low_.load(std::memory_order_relaxed); }

private:
    static constexpr std::uint16_t mark = 0x8000, most = 0x7fff;
    std::atomic<std::uint32_t> low_{0};
    std::atomic<std::uint16_t> high_{0};  // last: what is left of eight bytes is the record's
};

}  // namespace berth::detail
