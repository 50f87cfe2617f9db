// One destination's tuples: which ports of the block are free for it, and how many know it.
//
// A word is 32 ports (bit 1: free) under a 32-bit tag that a return increments, as in claim/port_bitmap.hpp: whoever
// clears a bit owns that tuple. The life word says whose set it is: a generation, whether it is a destination's at
// all, and how many pins hold it, one for each tuple that is out or rests and one for each draw that is under way.
// Invariant: without a pin every bit is set. So a set that nobody pins may become another destination's as it is; its
// generation grows, and a draw that found it as the former one's cannot pin it any more.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

namespace berth::outbound {

template <template <class> class Atomic = std::atomic>
class tuple_life {
public:
    explicit tuple_life(Atomic<std::uint64_t>& life) noexcept : life_(life) {}

    /// False: it is none of any destination's, or was another's when `seen` was read.
    bool pin(std::uint64_t seen) noexcept {
        std::uint64_t value = seen;
        while (is_alive(value) && generation(value) == generation(seen)) {
            if (life_.compare_exchange_strong(value, value + 1)) return true;
        }
        return false;
    }
    void unpin() noexcept { life_.fetch_add(~std::uint64_t{0}); }
    [[nodiscard]] std::uint64_t look() const noexcept { return life_.load(); }
    [[nodiscard]] static bool is_alive(std::uint64_t value) noexcept { return (value & alive) != 0; }
    [[nodiscard]] static std::uint32_t pins(std::uint64_t value) noexcept {
        return static_cast<std::uint32_t>(value) & (alive - 1);
    }

    /// True: it is nobody's from now on. False: somebody has it pinned.
    bool retire() noexcept {
        std::uint64_t value = life_.load();
        if (!is_alive(value) || pins(value) != 0) return false;
        return life_.compare_exchange_strong(value, (value & ~std::uint64_t{alive}) + one_generation);
    }
    /// Pre: nobody's, and the key is in place. Post: a destination's, with one pin.
    void begin() noexcept { life_.store((life_.load() & ~std::uint64_t{0xffff'ffff}) | alive | 1); }
    void make_nobodys() noexcept { life_.store(0); }

private:
    static constexpr std::uint32_t alive = 0x8000'0000u;
    static constexpr std::uint64_t one_generation = std::uint64_t{1} << 32;
    static std::uint64_t generation(std::uint64_t value) noexcept { return value >> 32; }

    Atomic<std::uint64_t>& life_;
};

/// The words of one set, wherever they lie.
template <template <class> class Atomic = std::atomic>
class tuple_words {
public:
    tuple_words(Atomic<std::uint64_t>* words, std::uint32_t ports) noexcept : words_(words), ports_(ports) {}
    [[nodiscard]] static constexpr std::uint32_t words_for(std::uint32_t ports) noexcept { return (ports + 31) / 32; }

    void fill() noexcept {
        for (std::uint32_t w = 0; w < count(); ++w) {
            const std::uint32_t left = ports_ - w * 32;
            words_[w].store(left >= 32 ? 0xffff'ffffu : (std::uint64_t{1} << left) - 1);
        }
    }

    /// Offers the free ports from `start` on, around the end, to try_port(port) once it is claimed; those that
    /// is_worth(port) says no to are not touched. The first for which try_port() says true stays claimed.
    template <class IsWorth, class TryPort>
    bool claim(std::uint32_t start, IsWorth is_worth, TryPort try_port) noexcept {
        const std::uint32_t words = count(), first = start / 32;
        for (std::uint32_t step = 0; step <= words; ++step) {
            const std::uint32_t w = first + step < words ? first + step : first + step - words;
            std::uint32_t wanted = ~0u;
            if (step == 0) wanted <<= start % 32;
            if (step == words) wanted = ~(~0u << start % 32);
            for (std::uint32_t left = free_of(words_[w].load()) & wanted; left != 0; left &= left - 1) {
                const std::uint32_t port = w * 32 + static_cast<std::uint32_t>(std::countr_zero(left));
                if (!is_worth(port) || !claim_given(port)) continue;
                if (try_port(port)) return true;
                put_back(port);
            }
        }
        return false;
    }
    bool claim_given(std::uint32_t port) noexcept {
        const std::uint64_t bit = std::uint64_t{1} << (port % 32);
        std::uint64_t value = words_[port / 32].load();
        while ((value & bit) != 0) {
            if (words_[port / 32].compare_exchange_strong(value, value & ~bit)) return true;
        }
        return false;
    }
    /// Pre: the caller owns the tuple.
    void put_back(std::uint32_t port) noexcept {
        words_[port / 32].fetch_add(one_tag | std::uint64_t{1} << (port % 32));
    }
    [[nodiscard]] std::uint32_t available() const noexcept {
        int sum = 0;
        for (std::uint32_t w = 0; w < count(); ++w) sum += std::popcount(free_of(words_[w].load()));
        return static_cast<std::uint32_t>(sum);
    }
    /// Grows with each return: equal sums mean that nothing came back in between.
    [[nodiscard]] std::uint64_t returns() const noexcept {
        std::uint64_t sum = 0;
        for (std::uint32_t w = 0; w < count(); ++w) sum += words_[w].load() >> 32;
        return sum;
    }

private:
    static constexpr std::uint64_t one_tag = std::uint64_t{1} << 32;
    static std::uint32_t free_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word); }
    [[nodiscard]] std::uint32_t count() const noexcept { return words_for(ports_); }

    Atomic<std::uint64_t>* words_;
    std::uint32_t ports_;
};

}  // namespace berth::outbound
