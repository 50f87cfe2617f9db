// One object of a kind for the process; a forked child gets a fresh one.
//
// A child may inherit a mutex that a thread of its parent held at the instant of the fork, and books about sockets that
// are its parent's business. So nothing of the kind is inherited: the parent's object is left alone in the child. Never
// destroyed: sockets and reservations with static lifetime may need it after main.
#pragma once

#include "platform/fork_stamp.hpp"

#include <atomic>

namespace berth::detail {

template <class T>
struct of_process {
    std::uint64_t stamp;
    T* inherited;  ///< the parent's, as it was at the fork: its mutex may be held for ever; nullptr: none
    T object;
};

/// Thread-safe. Throws std::bad_alloc, in the first call of a process alone.
template <class T>
of_process<T>& per_process() {
    static constinit std::atomic<of_process<T>*> current{nullptr};
    const std::uint64_t stamp = platform::fork_stamp();
    auto* found = current.load(std::memory_order_acquire);
    while (found == nullptr || found->stamp != stamp) {
        auto* const fresh = new of_process<T>{stamp, found == nullptr ? nullptr : &found->object, {}};
        if (current.compare_exchange_strong(found, fresh)) return *fresh;
        delete fresh;
    }
    return *found;
}

}  // namespace berth::detail
