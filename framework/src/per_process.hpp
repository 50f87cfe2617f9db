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
T& per_process() noexcept {
    struct stamped {
        std::uint64_t stamp;
        T object;
    };
    static constinit std::atomic<stamped*> current{nullptr};
    const std::uint64_t stamp = platform::fork_stamp();
    stamped* found = current.load(std::memory_order_acquire);
    while (found == nullptr || found->stamp != stamp) {
        auto* const fresh = new stamped{stamp, {}};
        if (current.compare_exchange_strong(found, fresh)) return fresh->object;
        delete fresh;
    }
    return found->object;
}

}  // namespace berth::detail
