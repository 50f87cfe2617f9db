// Which ports of a block are available: the truth that every other structure of the claim only hints at.
//
// A word is 32 ports (bit 1: available) under a 32-bit tag that put_back increments. Whoever clears a bit owns that
// port, so one port has one owner, whatever thread gave it back. No operation waits for another thread: a failed
// compare-exchange means that another one succeeded.
// `none` is exact. It is returned only after two collects over all words, one after the other, found nothing to claim
// and the same sum of tags. Between two equal reads of a word no port came back to it (its tag would have grown; 2^32
// put_backs into one word within one call are taken as impossible), so it was empty throughout: at the instant
// between the collects all words were. A collect is repeated only if a put_back succeeded meanwhile, so this is
// lock-free too. That argument needs one order of all these steps, hence sequential consistency, which costs nothing
// on x86. Words start at even ports, so a pair never straddles two. Few words lie on a cache line each, many share a
// line.
#pragma once

#include "claim/draw_source.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstdint>
#include <memory>

namespace berth::claim {

inline constexpr std::uint32_t none = ~std::uint32_t{0};

template <template <class> class Atomic = std::atomic>
class port_bitmap {
public:
    /// All ports start out unavailable. Blocks of at least `summary_from` words get a summary: one hint a word.
    port_bitmap(std::uint16_t first_port, std::uint32_t count, std::uint32_t summary_from = 2)
        : parity_(first_port & 1u),
          positions_(count + parity_),
          words_((positions_ + 31) / 32),
          shift_(words_ <= 64 ? 0 : std::min(3, static_cast<int>(std::bit_width((words_ - 1) / 64)))),
          stride_(3 - shift_),
          lines_(((words_ - 1) >> shift_) + 1),
          spread_limit_(std::min(std::bit_floor(lines_), 64u >> shift_)),
          hints_(words_ >= summary_from ? (words_ + 63) / 64 : 0),
          words_at_(lines_ * 8),
          hints_at_(hints_) {
        for (int log2 = 0; log2 < 7; ++log2) {
            std::uint64_t& words = words_of_spread_[log2];
            for (int line = 0; line << shift_ < 64; line += 1 << log2) {
                words |= ((std::uint64_t{1} << (1 << shift_)) - 1) << (line << shift_);
            }
        }
        for (std::uint32_t w = 0; w < words_; ++w) word(w).store(0);
        for (std::uint32_t h = 0; h < hints_; ++h) hint(h).store(0);
    }

    /// Where a search starts, and which words it prefers.
    struct place {
        std::uint32_t at;                       // position of a port
        std::uint64_t own = ~std::uint64_t{0};  // of each 64 consecutive words
    };

    /// The place for a draw: evenly over the block, on the thread's own lines if several threads draw.
    [[nodiscard]] place place_of(draw d) const noexcept {
        const std::uint32_t anywhere = parity_ + ((d.bits * (positions_ - parity_)) >> 16);
        const std::uint32_t spread = std::min<std::uint32_t>(d.spread, spread_limit_);
        if (spread <= 1) return {anywhere};
        const std::uint32_t number = d.number & (spread - 1);
        const int line_shift = 5 + shift_;
        const std::uint32_t near = (anywhere & ~((spread - 1) << line_shift)) | (number << line_shift);
        return {near < positions_ ? near : anywhere,
                words_of_spread_[std::countr_zero(spread)] << (number << shift_)};
    }

    /// The place at which a search finds this index first.
    [[nodiscard]] place place_of(std::uint32_t index) const noexcept { return {index + parity_}; }

    /// Any available port's index, the first at or after `place`; none: there was an instant without any.
    std::uint32_t claim(place p) noexcept { return search(p, single); }

    /// An even port's index; its odd sibling index + 1 is claimed too. none: at some instant no pair was whole.
    std::uint32_t claim_pair(place p) noexcept { return search(p, pair); }

    /// Exactly this port; false: at some instant of the call it was not available.
    bool claim_given(std::uint32_t index) noexcept {
        const std::uint32_t at = index + parity_;
        return claim_in(at / 32, at % 32, [](std::uint32_t free, std::uint32_t bit) {
                   return free & (1u << bit);
               }).mask != 0;
    }

    /// Pre: the caller owns the port. Post: anybody may claim it.
    void put_back(std::uint32_t index) noexcept {
        const std::uint32_t at = index + parity_;
        const std::uint64_t bit = std::uint64_t{1} << (at % 32);
        const std::uint64_t before = word(at / 32).fetch_add(one_tag | bit);
        assert((before & bit) == 0 && "put back by somebody who does not own it");
        if (hints_ != 0 && free_of(before) == 0) raise_hint(at / 32);
    }

    [[nodiscard]] std::uint32_t available() const noexcept {
        int sum = 0;
        for (std::uint32_t w = 0; w < words_; ++w) sum += std::popcount(free_of(word(w).load()));
        return static_cast<std::uint32_t>(sum);
    }

private:
    using atomic_word = Atomic<std::uint64_t>;
    // An array that begins on a cache line and shares its last one with nothing.
    class lines_of_words {
    public:
        explicit lines_of_words(std::size_t count)
            : lines_(std::make_unique<line[]>((count + 7) / 8)), first_(lines_[0].at) {}
        atomic_word& operator[](std::size_t i) const noexcept { return first_[i]; }

    private:
        struct alignas(64) line {
            atomic_word at[8];
        };
        std::unique_ptr<line[]> lines_;
        atomic_word* first_;
    };
    struct outcome {
        std::uint32_t mask;   // what was claimed; 0: nothing
        std::uint64_t value;  // of the word when nothing was
    };
    static constexpr std::uint64_t one_tag = std::uint64_t{1} << 32;

    static std::uint32_t free_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word); }

    // Which bits of a word to claim: those at or after `bit`, around the end; 0: none fits.
    static std::uint32_t single(std::uint32_t free, std::uint32_t bit) noexcept {
        const std::uint32_t turned = std::rotr(free, static_cast<int>(bit));
        return std::rotl(turned & (0u - turned), static_cast<int>(bit));
    }
    static std::uint32_t pair(std::uint32_t free, std::uint32_t bit) noexcept {
        return single(free & (free >> 1) & 0x5555'5555u, bit & ~1u) * 3;
    }

    [[nodiscard]] atomic_word& word(std::uint32_t w) const noexcept {
        return words_at_[w << stride_];  // words that follow each other share a line, or have one each
    }
    [[nodiscard]] atomic_word& hint(std::uint32_t h) const noexcept { return hints_at_[h]; }
    [[nodiscard]] std::uint32_t index_of(std::uint32_t w, std::uint32_t mask) const noexcept {
        return w * 32 + static_cast<std::uint32_t>(std::countr_zero(mask)) - parity_;
    }

    template <class Choose>
    outcome claim_in(std::uint32_t w, std::uint32_t bit, Choose choose) noexcept {
        std::uint64_t value = word(w).load();
        for (;;) {
            const std::uint32_t mask = choose(free_of(value), bit);
            if (mask == 0) return {0, value};
            if (word(w).compare_exchange_strong(value, value & ~std::uint64_t{mask})) return {mask, value};
        }
    }

    // What is rare has a function of its own, so that the rest needs no registers saved: after a locked instruction
    // each of them costs a load that cannot begin before it has ended.
    template <class Choose>
    std::uint32_t search(place p, Choose choose) noexcept {
        std::uint32_t w = p.at / 32;
        if (hints_ != 0) {
            // Asking the hint first, not the word, saves a branch that nobody can predict in a crowded block.
            const std::uint64_t near = hint(w / 64).load() & p.own & (~std::uint64_t{0} << (w % 64));
            if (near != 0) w = (w & ~63u) + static_cast<std::uint32_t>(std::countr_zero(near));
        }
        const outcome o = claim_in(w, p.at % 32, choose);
        return o.mask != 0 ? index_of(w, o.mask) : search_further(p, choose);
    }

    template <class Choose>
    [[gnu::noinline]] std::uint32_t search_further(place p, Choose choose) noexcept {
        if (hints_ != 0) {
            if (const std::uint32_t i = search_hints(p.at, p.own, choose); i != none) return i;
            if (~p.own != 0) {
                if (const std::uint32_t i = search_hints(p.at, ~p.own, choose); i != none) return i;
            }
        }
        return collect(p.at, choose);
    }

    template <class Choose>
    std::uint32_t search_hints(std::uint32_t at, std::uint64_t wanted, Choose choose) noexcept {
        const std::uint64_t from_start = ~std::uint64_t{0} << (at / 32 % 64);
        std::uint32_t h = at / 32 / 64;
        for (std::uint32_t step = 0; step <= hints_; ++step) {
            std::uint64_t raised = hint(h).load() & wanted;
            if (step == 0) raised &= from_start;
            if (step == hints_) raised &= ~from_start;
            for (; raised != 0; raised &= raised - 1) {
                const std::uint32_t w = h * 64 + static_cast<std::uint32_t>(std::countr_zero(raised));
                const outcome o = claim_in(w, at % 32, choose);
                if (o.mask != 0) return index_of(w, o.mask);
                if (free_of(o.value) == 0) lower_hint(w);
            }
            if (++h == hints_) h = 0;
        }
        return none;
    }

    template <class Choose>
    std::uint32_t collect(std::uint32_t at, Choose choose) noexcept {
        std::uint64_t last = 0;
        for (bool first = true;; first = false) {
            std::uint64_t tags = 0;
            for (std::uint32_t w = 0; w < words_; ++w) {
                const std::uint64_t value = word(w).load();
                tags += value >> 32;
                if (choose(free_of(value), at % 32) == 0) continue;
                if (const outcome o = claim_in(w, at % 32, choose); o.mask != 0) return index_of(w, o.mask);
            }
            if (!first && tags == last) return none;
            last = tags;
        }
    }

    // A hint is raised after the word is filled, and looked at again after it was lowered: it stays wrong only while
    // one of the two is between its steps, and then the collect finds the port.
    void raise_hint(std::uint32_t w) noexcept {
        const std::uint64_t bit = std::uint64_t{1} << (w % 64);
        if ((hint(w / 64).load() & bit) == 0) hint(w / 64).fetch_or(bit);
    }
    void lower_hint(std::uint32_t w) noexcept {
        hint(w / 64).fetch_and(~(std::uint64_t{1} << (w % 64)));
        if (free_of(word(w).load()) != 0) raise_hint(w);
    }

    std::uint32_t parity_;     // of the first port; position = index + parity
    std::uint32_t positions_;  // bits in use
    std::uint32_t words_;
    int shift_;   // log2 of the words on one cache line
    int stride_;  // log2 of the distance of two words, in words
    std::uint32_t lines_;
    std::uint32_t spread_limit_;             // threads that can have lines of their own within 64 words
    std::uint64_t words_of_spread_[7] = {};  // of 64: the first line's and every 2^n-th's after it
    std::uint32_t hints_;  // words of the summary; 0: the block is small enough to be searched as it is
    lines_of_words words_at_;
    lines_of_words hints_at_;
};

}  // namespace berth::claim
