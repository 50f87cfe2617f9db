// Where a thread's claims start: 16 unpredictable bits a draw, and the thread's place among the threads that draw.
//
// A draw is a load from the thread's own buffer. The buffer is filled from a key stream whose key is overwritten with
// each fill, and comes from the system again after 1,024 of them. A forked child throws buffer and key away: it must
// not repeat its parent's ports. Each drawing thread has the lowest number that is free, and gives it up when it
// ends; `spread` is the number of live drawing threads, rounded up to a power of two. Both are hints that keep two
// threads on different cache lines: nothing breaks if two threads share a number.
#pragma once

#include "claim/key_stream.hpp"

#include <cstdint>

namespace berth::claim {

struct draw {
    std::uint16_t bits;   ///< unpredictable
    std::uint8_t number;  ///< of this thread, < 64
    std::uint8_t spread;  ///< 1: start anywhere; else a power of two: prefer lines that are number modulo spread
};

namespace detail {

// Trivial and constant-initialised, so that a draw needs no check whether this thread has been here before.
struct thread_draws {
    static constexpr std::uint16_t capacity = 112;  // four blocks of key stream less the next key
    std::uint16_t left;                             // draws left in bits; 0 at first, so the first draw fills
    std::uint8_t number;
    std::uint8_t spread;       // asked for anew with every fill: threads come and go seldom
    std::uint32_t fills_left;  // before a key from the system; 0 at first and in a forked child
    key_words key;
    std::uint16_t bits[capacity];
};
extern thread_local constinit thread_draws this_thread_draws;
void fill(thread_draws& draws) noexcept;

}  // namespace detail

/// The next draw of the calling thread. One in 56 starts anywhere, so that over time each thread meets all of a
/// block.
[[nodiscard]] inline draw next_draw() noexcept {
    detail::thread_draws& mine = detail::this_thread_draws;
    if (mine.left == 0) [[unlikely]]
        detail::fill(mine);
    --mine.left;
    const bool anywhere = mine.left % 64 == 17;
    return {mine.bits[mine.left], mine.number, anywhere ? std::uint8_t{1} : mine.spread};
}

}  // namespace berth::claim
