// Events, alertable waits, and the completion routines that run in them.
#include "monitor.hpp"

#include "error_codes.hpp"
#include "open_sockets.hpp"
#include "operations.hpp"
#include "user_memory.hpp"

#include <pthread.h>

#include <chrono>
#include <memory>
#include <new>
#include <set>
#include <vector>

namespace berth::compat {
namespace {

struct event {
    bool is_set = false;
};

std::set<event*>& events() {  // guarded by the monitor
    static auto* const all = new std::set<event*>;
    return *all;
}

event* find_event(WSAEVENT handle) noexcept {
    const auto found = events().find(static_cast<event*>(handle));
    return found == events().end() ? nullptr : *found;
}

struct own_queue {
    std::shared_ptr<callback_queue> queue = std::make_shared<callback_queue>();
    ~own_queue() { operations::instance().abort_of_thread(*queue); }
};

BOOL change_event(WSAEVENT handle, bool set) noexcept {
    const std::lock_guard lock(monitor::instance().mutex);
    auto* const known = find_event(handle);
    if (known == nullptr) {
        WSASetLastError(WSA_INVALID_HANDLE);
        return FALSE;
    }
    known->is_set = set;
    if (set) monitor::instance().changed.notify_all();
    return TRUE;
}

/// True if a routine ran. The lock is held before and after, and not while one runs.
bool run_callbacks(std::unique_lock<std::mutex>& lock, callback_queue& queue) {
    bool ran = false;
    while (!queue.due.empty()) {
        const auto next = queue.due.front();
        queue.due.pop_front();
        lock.unlock();
        next.routine(next.error, next.bytes, next.overlapped, 0);
        lock.lock();
        ran = true;
    }
    return ran;
}

/// Waits until `ready` says so (it gives the answer), a routine ran, or the time is over.
template <class Ready>
DWORD wait_for(DWORD milliseconds, BOOL alertable, Ready ready) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    const auto queue = callbacks_of_this_thread();
    std::unique_lock lock(monitor::instance().mutex);
    for (;;) {
        DWORD answer = WAIT_TIMEOUT;
        if (ready(answer)) return answer;
        if (alertable && run_callbacks(lock, *queue)) return WAIT_IO_COMPLETION;
        if (milliseconds == INFINITE) {
            monitor::instance().changed.wait(lock);
        } else if (monitor::instance().changed.wait_until(lock, until) == std::cv_status::timeout) {
            if (ready(answer)) return answer;
            return alertable && run_callbacks(lock, *queue) ? WAIT_IO_COMPLETION : WAIT_TIMEOUT;
        }
    }
}

// A child has none of the threads that carry operations out: it starts with none, and waits for none.
void before_fork() {
    monitor::instance().mutex.lock();
    open_sockets::instance().lock();
}
void after_fork() {
    open_sockets::instance().unlock();
    monitor::instance().mutex.unlock();
}
void in_child() {
    new (&monitor::instance().changed) std::condition_variable;  // the old one counts threads that are not here
    operations::instance().forget_all();
    after_fork();
}

}  // namespace

monitor& monitor::instance() {
    static auto* const only = [] {
        auto* const made = new monitor;
        ::pthread_atfork(before_fork, after_fork, in_child);
        return made;
    }();
    return *only;
}

std::shared_ptr<callback_queue> callbacks_of_this_thread() {
    thread_local own_queue own;
    return own.queue;
}

bool set_event(WSAEVENT handle) noexcept {
    auto* const known = find_event(handle);
    if (known == nullptr) return false;
    known->is_set = true;
    monitor::instance().changed.notify_all();
    return true;
}

}  // namespace berth::compat

using namespace berth::compat;

extern "C" {

WSAEVENT WSACreateEvent() {
    try {
        auto made = std::make_unique<event>();
        const std::lock_guard lock(monitor::instance().mutex);
        events().insert(made.get());
        return made.release();
    } catch (const std::bad_alloc&) {
        WSASetLastError(WSA_NOT_ENOUGH_MEMORY);
        return WSA_INVALID_EVENT;
    }
}

BOOL WSACloseEvent(WSAEVENT handle) {
    const std::lock_guard lock(monitor::instance().mutex);
    auto* const known = find_event(handle);
    if (known == nullptr) {
        WSASetLastError(WSA_INVALID_HANDLE);
        return FALSE;
    }
    events().erase(known);
    delete known;
    monitor::instance().changed.notify_all();
    return TRUE;
}

BOOL WSASetEvent(WSAEVENT handle) { return change_event(handle, true); }
BOOL WSAResetEvent(WSAEVENT handle) { return change_event(handle, false); }

DWORD WSAWaitForMultipleEvents(DWORD count, const WSAEVENT* handles, BOOL all, DWORD milliseconds, BOOL alertable) {
    if (count == 0 || count > WSA_MAXIMUM_WAIT_EVENTS) {
        WSASetLastError(WSA_INVALID_PARAMETER);
        return WSA_WAIT_FAILED;
    }
    WSAEVENT copied[WSA_MAXIMUM_WAIT_EVENTS] = {};
    if (!copy_in(copied, handles, count * sizeof(WSAEVENT))) {
        WSASetLastError(WSAEFAULT);
        return WSA_WAIT_FAILED;
    }
    const DWORD answer = wait_for(milliseconds, alertable, [&](DWORD& result) {
        DWORD set = 0;
        DWORD first = count;
        for (DWORD i = 0; i < count; ++i) {
            const auto* const known = find_event(copied[i]);
            if (known == nullptr) {
                result = WSA_WAIT_FAILED;
                return true;
            }
            if (!known->is_set) continue;
            ++set;
            if (first == count) first = i;
        }
        result = WSA_WAIT_EVENT_0 + (all ? 0 : first);
        return all ? set == count : set != 0;
    });
    if (answer == WSA_WAIT_FAILED) WSASetLastError(WSA_INVALID_HANDLE);
    return answer;
}

DWORD SleepEx(DWORD milliseconds, BOOL alertable) {
    const DWORD answer = wait_for(milliseconds, alertable, [](DWORD&) { return false; });
    return answer == WAIT_TIMEOUT ? 0 : answer;
}

}  // extern "C"
