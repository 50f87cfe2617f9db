// A first-in-first-out queue of port indices, lock-free both ways: the order of a block's ports, and their cooling.
//
// Invariant: an index is queued at most once, so a ring of `count` slots never overflows (the callers see to that).
// Head, tail and slots carry the cycle, the number of times that the ring went round, modulo 2^48, so none of them
// returns to a value that a call under way has seen: a slow thread's compare-exchange fails instead of handing one
// port to two owners. A slot is filled before the tail moves past it, and whoever finds the tail behind moves it, so
// nobody waits for anybody.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace berth::claim {

template <template <class> class Atomic = std::atomic>
class port_queue {
public:
    static constexpr std::uint32_t empty = ~std::uint32_t{0};

    explicit port_queue(std::uint32_t count)
        : count_(count), slot_(std::make_unique<Atomic<std::uint64_t>[]>(count)) {
        head_.store(one_cycle);
        tail_.store(one_cycle);
        for (std::uint32_t i = 0; i < count; ++i) slot_[i].store(0);
    }

    /// Pre: index is below count and not queued.
    void enqueue(std::uint32_t index) noexcept {
        for (;;) {
            std::uint64_t tail = tail_.load();
            std::uint64_t held = slot_of(tail).load();
            if (cycle(held) == cycle(tail) - one_cycle) {
                if (!slot_of(tail).compare_exchange_strong(held, cycle(tail) | index)) continue;
                tail_.compare_exchange_strong(tail, next(tail));
                return;
            }
            if (cycle(held) == cycle(tail)) tail_.compare_exchange_strong(tail, next(tail));
        }
    }

    /// The oldest index, if `due(index)` agrees; empty: at some instant nothing was queued or the oldest was not due.
    template <class Due>
    std::uint32_t dequeue_if(Due due) noexcept {
        std::uint64_t head = head_.load();
        for (;;) {
            const std::uint64_t held = slot_of(head).load();
            const auto index = static_cast<std::uint32_t>(held & 0xffff);
            const bool filled = cycle(held) == cycle(head);
            if (filled && due(index)) {
                if (head_.compare_exchange_strong(head, next(head))) return index;
                continue;
            }
            // Not due, or not filled: that holds only if this still was the head after the slot was read.
            const std::uint64_t again = head_.load();
            if (again == head) return empty;
            head = again;
        }
    }

    std::uint32_t dequeue() noexcept {
        return dequeue_if([](std::uint32_t) { return true; });
    }

    /// The oldest index, which may be gone already; empty: at some instant nothing was queued.
    [[nodiscard]] std::uint32_t oldest() const noexcept {
        const std::uint64_t head = head_.load();
        const std::uint64_t held = slot_of(head).load();
        // By their distance: 2^48 cycles of a queue of one port are over in a few months, and then they begin again.
        const bool is_behind = static_cast<std::int64_t>(cycle(held) - cycle(head)) < 0;
        return is_behind ? empty : static_cast<std::uint32_t>(held & 0xffff);
    }

private:
    static constexpr std::uint64_t one_cycle = 0x10000;  // 48 bits of cycle above 16 bits of slot number or index

    static std::uint64_t cycle(std::uint64_t value) noexcept { return value & ~std::uint64_t{0xffff}; }
    [[nodiscard]] std::uint64_t next(std::uint64_t position) const noexcept {
        return (position & 0xffff) + 1 == count_ ? cycle(position) + one_cycle : position + 1;
    }
    [[nodiscard]] Atomic<std::uint64_t>& slot_of(std::uint64_t position) const noexcept {
        return slot_[position & 0xffff];
    }

    std::uint32_t count_;
    std::unique_ptr<Atomic<std::uint64_t>[]> slot_;
    alignas(64) Atomic<std::uint64_t> head_;
    alignas(64) Atomic<std::uint64_t> tail_;
};

}  // namespace berth::claim
