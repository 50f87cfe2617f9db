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
// on x86.
#pragma once

#include "claim/bitmap_shape.hpp"
#include "claim/port_run.hpp"
#include "claim/word_lines.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstdint>

namespace berth::claim {

inline constexpr std::uint32_t none = ~std::uint32_t{0};

template <template <class> class Atomic = std::atomic>
class port_bitmap {
public:
    /// All ports start out unavailable. Blocks of at least `summary_from` words get a summary: one hint a word.
    port_bitmap(std::uint16_t first_port, std::uint32_t count, std::uint32_t summary_from = 2)
        : shape_(first_port, count),
          words_(shape_.words()),
          hints_(words_ >= summary_from ? (words_ + 63) / 64 : 0),
          words_at_(shape_.lines() * 8),
          hints_at_(hints_) {
        for (std::uint32_t w = 0; w < words_; ++w) word(w).store(0);
        for (std::uint32_t h = 0; h < hints_; ++h) hint(h).store(0);
    }

    using place = bitmap_place;

    [[nodiscard]] place place_of(draw d) const noexcept { return shape_.place_of(d); }

    /// The place at which a search finds this index first.
    [[nodiscard]] place place_of(std::uint32_t index) const noexcept { return {index + shape_.parity()}; }

    /// Any available port's index, the first at or after `place`; none: there was an instant without any.
    std::uint32_t claim(place p) noexcept { return search(p, single); }

    /// An even port's index; its odd sibling index + 1 is claimed too. none: at some instant no pair was whole.
    std::uint32_t claim_pair(place p) noexcept { return search(p, pair); }

    /// The first of `length` consecutive indices, all claimed; its port is a multiple of `alignment`, the search
    /// begins at `place`. none: at some instant no such run was whole. Where another thread takes a port of it
    /// meanwhile, what was claimed is put back, and until then is nobody else's.
    std::uint32_t claim_run(place p, std::uint32_t length, std::uint32_t alignment) noexcept {
        std::uint64_t last = 0;
        for (bool first = true;;) {
            std::uint64_t tags = 0;
            std::uint32_t begin = find_run(p.at, shape_.positions(), length, alignment, tags);
            if (begin == none) {  // or one that begins before `place`
                begin = find_run(shape_.parity(), std::min(shape_.positions(), p.at + length - 1), length, alignment,
                                 tags);
            }
            if (begin != none) {
                if (claim_span(begin, length)) return begin - shape_.parity();
                first = true;  // the readings before and after a claim that failed are not to be compared
                continue;
            }
            if (!first && tags == last) return none;
            last = tags;
            first = false;
        }
    }

    /// Exactly this port; false: at some instant of the call it was not available.
    bool claim_given(std::uint32_t index) noexcept {
        const std::uint32_t at = index + shape_.parity();
        return claim_in(at / 32, at % 32, [](std::uint32_t free, std::uint32_t bit) {
                   return free & (1u << bit);
               }).mask != 0;
    }

    /// Any of `count` ports from this one on; none: each of them was not available at some instant of the call.
    std::uint32_t claim_between(std::uint32_t index, std::uint32_t count) noexcept {
        std::uint32_t claimed = none;
        shape_.visit_between(index, count, [&](std::uint32_t w, std::uint32_t wanted) {
            const auto lowest = [wanted](std::uint32_t free, std::uint32_t) {
                return (free & wanted) & (0u - (free & wanted));
            };
            if (const outcome o = claim_in(w, 0, lowest); o.mask != 0) claimed = shape_.index_of(w, o.mask);
            return claimed == none;
        });
        return claimed;
    }
    /// A hint.
    [[nodiscard]] bool any_between(std::uint32_t index, std::uint32_t count) const noexcept {
        bool any = false;
        shape_.visit_between(index, count, [&](std::uint32_t w, std::uint32_t wanted) {
            any = (free_of(word(w).load()) & wanted) != 0;
            return !any;
        });
        return any;
    }
    /// The sum of all tags: where two readings are the same, no port came back in between.
    [[nodiscard]] std::uint64_t returns() const noexcept {
        std::uint64_t sum = 0;
        for (std::uint32_t w = 0; w < words_; ++w) sum += word(w).load() >> 32;
        return sum;
    }

    /// Pre: the caller owns the port. Post: anybody may claim it.
    void put_back(std::uint32_t index) noexcept {
        const std::uint32_t at = index + shape_.parity();
        return_bits(at / 32, 1u << (at % 32));
    }

    [[nodiscard]] std::uint32_t available() const noexcept {
        int sum = 0;
        for (std::uint32_t w = 0; w < words_; ++w) sum += std::popcount(free_of(word(w).load()));
        return static_cast<std::uint32_t>(sum);
    }

private:
    using atomic_word = Atomic<std::uint64_t>;
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

    [[nodiscard]] atomic_word& word(std::uint32_t w) const noexcept { return words_at_[shape_.slot_of(w)]; }
    [[nodiscard]] atomic_word& hint(std::uint32_t h) const noexcept { return hints_at_[h]; }

    template <class Choose>
    outcome claim_in(std::uint32_t w, std::uint32_t bit, Choose choose) noexcept {
        std::uint64_t value = word(w).load();
        for (;;) {
            const std::uint32_t mask = choose(free_of(value), bit);
            if (mask == 0) return {0, value};
            if (word(w).compare_exchange_strong(value, value & ~std::uint64_t{mask})) return {mask, value};
        }
    }

    // Each call reads the same words in the same order, so equal sums of tags mean that each reading's was equal.
    std::uint32_t find_run(std::uint32_t from, std::uint32_t upto, std::uint32_t length, std::uint32_t alignment,
                           std::uint64_t& tags) const noexcept {
        run_search run(length, alignment, shape_.base());
        for (std::uint32_t at = from & ~31u; at < upto; at += 32) {
            const std::uint64_t value = word(at / 32).load();
            tags += value >> 32;
            std::uint32_t free = free_of(value);
            if (at < from) free &= ~std::uint32_t{0} << (from - at);
            if (upto - at < 32) free &= (1u << (upto - at)) - 1;
            if (run.feed(at, free)) return run.begin();
        }
        return none;
    }

    // Word by word from the lowest on; of two that are in each other's way the one further up goes on.
    bool claim_span(std::uint32_t begin, std::uint32_t length) noexcept {
        for (std::uint32_t at = begin; at < begin + length;) {
            const std::uint32_t mask = shape_.mask_of(at, begin + length);
            const auto whole = [mask](std::uint32_t free, std::uint32_t) { return (free & mask) == mask ? mask : 0u; };
            if (claim_in(at / 32, 0, whole).mask == 0) {
                for (std::uint32_t back = begin; back < at; back = shape_.next_word(back)) {
                    return_bits(back / 32, shape_.mask_of(back, at));
                }
                return false;
            }
            at = shape_.next_word(at);
        }
        return true;
    }
    void return_bits(std::uint32_t w, std::uint32_t mask) noexcept {
        const std::uint64_t before = word(w).fetch_add(one_tag | mask);
        assert((free_of(before) & mask) == 0 && "put back by somebody who does not own it");
        if (hints_ != 0 && free_of(before) == 0) raise_hint(w);
    }

    // What is rare has a function of its own, so that the rest needs no registers saved: after a locked instruction
    // each of them costs a load that cannot begin before it has ended.
    template <class Choose>
    std::uint32_t search(place p, Choose choose) noexcept {
        std::uint32_t w = p.at / 32;
        if (hints_ != 0) {
            // Asking the hint first, not the word, saves a branch that nobody can predict in a crowded block.
            const std::uint64_t close_by = hint(w / 64).load() & p.own & (~std::uint64_t{0} << (w % 64));
            if (close_by != 0) w = (w & ~63u) + static_cast<std::uint32_t>(std::countr_zero(close_by));
        }
        const outcome o = claim_in(w, p.at % 32, choose);
        return o.mask != 0 ? shape_.index_of(w, o.mask) : search_further(p, choose);
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
                if (o.mask != 0) return shape_.index_of(w, o.mask);
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
                if (const outcome o = claim_in(w, at % 32, choose); o.mask != 0) return shape_.index_of(w, o.mask);
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

    bitmap_shape shape_;
    std::uint32_t words_;
    std::uint32_t hints_;  // words of the summary; 0: the block is small enough to be searched as it is
    word_lines<atomic_word> words_at_;
    word_lines<atomic_word> hints_at_;
};

}  // namespace berth::claim
