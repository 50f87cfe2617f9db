// Acquires whose ends come to a completion port: who waits for one is woken, and looks at nothing meanwhile.
//
// One watch a provider. Its thread is there while a call is under way and no longer. A call on a socket that is on a
// port does not end with the thread that began it either, which an overlapped call with an event does.
// Invariant: a waker is told under the mutex, so whoever was said that its call has ended is not told any more.
#pragma once

#include "platform/windows/windows_calls.hpp"

#include <berth/detail/waker.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace berth::platform {

struct watched_call {
    OVERLAPPED overlapped{};  // the first member: by its address the port names the call
    detail::waker* who = nullptr;
    bool has_ended = false;  // under the watch's mutex
};

class acquire_watch {
public:
    explicit acquire_watch(windows_calls& os) noexcept : os_(os) {}
    /// Pre: every call has ended, or was called off.
    ~acquire_watch();
    acquire_watch(const acquire_watch&) = delete;
    acquire_watch& operator=(const acquire_watch&) = delete;

    /// Before the call begins, on a socket that never was on a port. Post: its end comes here. 0, or why not.
    int expect(native_socket s, watched_call& call, detail::waker& who) noexcept;
    /// The system refused to begin it: no end comes.
    void call_off() noexcept;
    bool has_ended(watched_call& call) noexcept;
    void wait_for_end(watched_call& call) noexcept;

private:
    void run() noexcept;

    windows_calls& os_;
    std::mutex mutex_;
    std::condition_variable ended_;
    HANDLE port_ = nullptr;
    std::thread thread_;
    std::uint32_t expected_ = 0;
    bool is_running_ = false;  // else thread_ is about to end, or has
};

}  // namespace berth::platform
