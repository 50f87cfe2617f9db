// The order of first_in_first_out: which available port has been available longest.
//
// An entry is a hint: its port may have been claimed by number or in a pair meanwhile, and the bitmap decides. Each
// index has at most one entry. A port that comes back while its old entry is still queued is marked, and its entry
// goes to the end of the queue when it reaches the head, so it is not drawn before its turn.
#pragma once

#include "claim/port_queue.hpp"

#include <atomic>
#include <cstdint>
#include <memory>

namespace berth::claim {

template <template <class> class Atomic = std::atomic>
class claim_order {
public:
    explicit claim_order(std::uint32_t count)
        : queue_(count), entry_(std::make_unique<Atomic<std::uint8_t>[]>(count)) {
        for (std::uint32_t i = 0; i < count; ++i) entry_[i].store(absent);
    }

    /// Pre: the port is available in the bitmap already, so that nobody finds an entry before its port.
    void append(std::uint32_t index) noexcept {
        std::uint8_t state = entry_[index].load();
        for (;;) {
            if (state == outdated) return;
            const std::uint8_t wanted = state == absent ? queued : outdated;
            if (!entry_[index].compare_exchange_strong(state, wanted)) continue;
            if (wanted == queued) queue_.enqueue(index);
            return;
        }
    }

    /// The index that has been available longest, or port_queue::empty. It may have been claimed meanwhile.
    std::uint32_t pop() noexcept {
        for (;;) {
            const std::uint32_t index = queue_.dequeue();
            if (index == port_queue<Atomic>::empty) return index;
            // Until the entry's state changes nobody else enqueues this index: it is this thread's to judge.
            std::uint8_t state = queued;
            if (entry_[index].compare_exchange_strong(state, absent)) return index;
            entry_[index].store(queued);
            queue_.enqueue(index);
        }
    }

    /// The head's index, a hint, or port_queue::empty.
    [[nodiscard]] std::uint32_t oldest() const noexcept { return queue_.oldest(); }

private:
    static constexpr std::uint8_t absent = 0;
    static constexpr std::uint8_t queued = 1;
    static constexpr std::uint8_t outdated = 2;  // queued, and put back again since

    port_queue<Atomic> queue_;
    std::unique_ptr<Atomic<std::uint8_t>[]> entry_;
};

}  // namespace berth::claim
