// One lock and one condition for all that threads of a program wait for here: events, results, completion routines.
//
// Never destroyed, because threads may still end after main has. What it guards is said where it is.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "winsock2.h"

namespace berth::compat {

struct monitor {
    std::mutex mutex;
    std::condition_variable changed;
    static monitor& instance();
};

/// A completion routine that waits for its thread to wait alertably.
struct due_callback {
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
    DWORD error;
    DWORD bytes;
    LPWSAOVERLAPPED overlapped;
};

/// Of one thread, and its name: guarded by the monitor. What is queued when the thread ends is dropped.
struct callback_queue {
    std::deque<due_callback> due;
};

/// The calling thread's. When the thread ends, its calls under way are aborted.
[[nodiscard]] std::shared_ptr<callback_queue> callbacks_of_this_thread();

/// The monitor is held. True if `handle` is an event; it is set, and those who wait are woken.
bool set_event(WSAEVENT handle) noexcept;

}  // namespace berth::compat
