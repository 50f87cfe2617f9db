// How a block lies in the words of its bitmap: arithmetic alone.
//
// A position is an index plus the parity of the block's first port, so that words start at even ports and a pair
// never straddles two. Few words lie on a cache line each, many share a line.
#pragma once

#include "claim/draw_source.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace berth::claim {

/// Where a search starts, and which words it prefers.
struct bitmap_place {
    std::uint32_t at;                       // position of a port
    std::uint64_t own = ~std::uint64_t{0};  // of each 64 consecutive words
};

class bitmap_shape {
public:
    bitmap_shape(std::uint16_t first_port, std::uint32_t count) noexcept
        : base_(first_port & ~1u),
          parity_(first_port & 1u),
          positions_(count + parity_),
          words_((positions_ + 31) / 32),
          shift_(words_ <= 64 ? 0 : std::min(3, static_cast<int>(std::bit_width((words_ - 1) / 64)))),
          stride_(3 - shift_),
          lines_(((words_ - 1) >> shift_) + 1),
          spread_limit_(std::min(std::bit_floor(lines_), 64u >> shift_)) {
        for (int log2 = 0; log2 < 7; ++log2) {
            std::uint64_t& words = words_of_spread_[log2];
            for (int line = 0; line << shift_ < 64; line += 1 << log2) {
                words |= ((std::uint64_t{1} << (1 << shift_)) - 1) << (line << shift_);
            }
        }
    }

    [[nodiscard]] std::uint32_t base() const noexcept { return base_; }            ///< the port at position 0
    [[nodiscard]] std::uint32_t parity() const noexcept { return parity_; }        ///< the first port's position
    [[nodiscard]] std::uint32_t positions() const noexcept { return positions_; }  ///< the end of them
    [[nodiscard]] std::uint32_t words() const noexcept { return words_; }
    [[nodiscard]] std::uint32_t lines() const noexcept { return lines_; }

    /// Of a word in the array of `lines()` cache lines: words that follow each other share a line, or have one each.
    [[nodiscard]] std::uint32_t slot_of(std::uint32_t word) const noexcept { return word << stride_; }

    [[nodiscard]] std::uint32_t index_of(std::uint32_t word, std::uint32_t mask) const noexcept {
        return word * 32 + static_cast<std::uint32_t>(std::countr_zero(mask)) - parity_;
    }

    /// The place for a draw: evenly over the block, on the thread's own lines if several threads draw.
    [[nodiscard]] bitmap_place place_of(draw d) const noexcept {
        const std::uint32_t anywhere = parity_ + ((d.bits * (positions_ - parity_)) >> 16);
        const std::uint32_t spread = std::min<std::uint32_t>(d.spread, spread_limit_);
        if (spread <= 1) return {anywhere};
        const std::uint32_t number = d.number & (spread - 1);
        const int line_shift = 5 + shift_;
        const std::uint32_t close_by = (anywhere & ~((spread - 1) << line_shift)) | (number << line_shift);
        return {close_by < positions_ ? close_by : anywhere,
                words_of_spread_[std::countr_zero(spread)] << (number << shift_)};
    }

    /// visit(word, which of its bits) over `count` ports from this index on, until it says false.
    template <class Visit>
    void visit_between(std::uint32_t index, std::uint32_t count, Visit visit) const noexcept {
        const std::uint32_t from = index + parity_, upto = from + count;
        for (std::uint32_t w = from / 32; w * 32 < upto; ++w) {
            std::uint32_t wanted = ~0u;
            if (w == from / 32) wanted <<= from % 32;
            if (upto - w * 32 < 32) wanted &= (1u << (upto - w * 32)) - 1;
            if (!visit(w, wanted)) return;
        }
    }

    [[nodiscard]] static std::uint32_t next_word(std::uint32_t at) noexcept { return (at & ~31u) + 32; }
    /// Of the word that `at` is in: the positions from it to before `end`.
    [[nodiscard]] static std::uint32_t mask_of(std::uint32_t at, std::uint32_t end) noexcept {
        const std::uint32_t count = std::min(next_word(at), end) - at;
        return (~std::uint32_t{0} >> (32 - count)) << (at % 32);
    }

private:
    std::uint32_t base_, parity_, positions_, words_;
    int shift_;   // log2 of the words on one cache line
    int stride_;  // log2 of the distance of two words, in words
    std::uint32_t lines_;
    std::uint32_t spread_limit_;             // threads that can have lines of their own within 64 words
    std::uint64_t words_of_spread_[7] = {};  // of 64: the first line's and every 2^n-th's after it
};

}  // namespace berth::claim
