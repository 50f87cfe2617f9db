// Who has which port of a block: claimed by a draw, by number or in pairs, put back at once or after it has rested.
//
// Every index is in exactly one place: available (its bit in the bitmap), with one owner, or cooling. The bitmap
// alone says what is available; the queue of first_in_first_out holds an order, never a right. All members may be
// called from any threads at the same time, none of them waits for another thread, takes a lock or allocates. `none`
// is exact: no port is ever kept where another thread's claim could not find it.
#pragma once

#include "claim/claim_order.hpp"
#include "claim/port_bitmap.hpp"
#include "claim/port_queue.hpp"

#include <berth/reservation_request.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

namespace berth::claim {

class claim_set {
public:
    /// All `count` indices start out unavailable; fill with put_back(). first_port decides which index is even.
    claim_set(std::uint16_t first_port, std::uint32_t count, draw_order order);
    ~claim_set();
    claim_set(const claim_set&) = delete;
    claim_set& operator=(const claim_set&) = delete;

    /// Any available index by the draw order; none: at some instant of the call nothing was available.
    std::uint32_t claim() noexcept;

    /// An even port's index; its odd sibling, index + 1, is claimed too. none: at some instant no pair was whole.
    std::uint32_t claim_pair() noexcept;

    /// The first of `length` consecutive indices, all claimed, its port a multiple of `alignment`. none: at some
    /// instant there was no such run, or there can be none. Looks at a word for each 32 ports.
    std::uint32_t claim_run(std::uint32_t length, std::uint32_t alignment) noexcept;

    /// Exactly this one; false: at some instant of the call it was not available.
    bool claim_given(std::uint32_t index) noexcept { return bitmap_.claim_given(index); }

    /// Any of `count` indices from `first` on; none: each of them was not available at some instant of the call.
    std::uint32_t claim_between(std::uint32_t first, std::uint32_t count) noexcept {
        return bitmap_.claim_between(first, count);
    }
    /// A hint.
    [[nodiscard]] bool any_between(std::uint32_t first, std::uint32_t count) const noexcept {
        return bitmap_.any_between(first, count);
    }
    /// Grows with each put_back: where two readings are the same, nothing came back in between.
    [[nodiscard]] std::uint64_t returns() const noexcept { return bitmap_.returns(); }

    /// Pre: claimed, or never put back. Post: available at once.
    void put_back(std::uint32_t index) noexcept;

    /// Pre: as put_back. Post: rests until next_due() takes it out again; `ready_at` is in any unit that only grows.
    /// Resting ends in the order in which it began: an index whose time is up waits for those that came before it.
    void cool(std::uint32_t index, std::uint64_t ready_at) noexcept;

    /// Takes one rested index out of cooling, the caller owns it; none: the one that rests longest is not due.
    std::uint32_t next_due(std::uint64_t now) noexcept;

    /// The time that cool() was told last. Pre: next_due() brought the index.
    [[nodiscard]] std::uint64_t ready_at(std::uint32_t index) const noexcept {
        return ready_at_[index].load(std::memory_order_relaxed);
    }

    /// A hint, cheap; false only if at some instant of the call nothing was cooling.
    [[nodiscard]] bool anything_cooling() const noexcept { return cooling_.oldest() != none; }

    /// For the books; exact while no other thread changes anything.
    [[nodiscard]] std::uint32_t available() const noexcept { return bitmap_.available(); }

private:
    std::uint32_t claim_oldest() noexcept;

    port_bitmap<> bitmap_;
    std::optional<claim_order<>> order_;  // first_in_first_out only
    port_queue<> cooling_;
    std::unique_ptr<std::atomic<std::uint64_t>[]> ready_at_;
};

}  // namespace berth::claim
