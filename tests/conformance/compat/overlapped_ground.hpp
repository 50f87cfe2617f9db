// Overlapped acquires, what their routines heard, and a barrier that holds the library's work back.
//
// What takes time is held back by the tests themselves, so that no outcome depends on how fast the machine is.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "ground.hpp"
#include "operations.hpp"

namespace compat_test {

using berth::compat::operations;

/// Holds the work of all calls back until it is opened; one at a time.
class barrier {
public:
    explicit barrier(std::atomic<void (*)()>& place) : place_(place) {
        now() = this;
        place_ = [] { now()->arrive(); };
    }
    barrier(const barrier&) = delete;
    barrier& operator=(const barrier&) = delete;
    ~barrier() {
        open();
        place_ = nullptr;
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return inside_ == 0; });
    }
    void open() {
        const std::lock_guard lock(mutex_);
        is_open_ = true;
        changed_.notify_all();
    }
    /// Until so many calls have come to it. All must have, before it goes.
    void wait_for(int calls) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return seen_ >= calls; });
    }

private:
    static barrier*& now() {
        static barrier* one = nullptr;
        return one;
    }
    void arrive() {
        std::unique_lock lock(mutex_);
        ++seen_;
        ++inside_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return is_open_; });
        --inside_;
        changed_.notify_all();
    }
    std::atomic<void (*)()>& place_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_open_ = false;
    int seen_ = 0;
    int inside_ = 0;
};

struct heard {
    int times = 0;
    DWORD error = 77;
    DWORD bytes = 77;
    LPWSAOVERLAPPED overlapped = nullptr;
    std::thread::id on{};
};
inline heard last_heard;  // by the routine, on the thread that made the call

inline void CALLBACK hear(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD) {
    last_heard = {last_heard.times + 1, error, bytes, overlapped, std::this_thread::get_id()};
}

struct overlapped_acquire {
    explicit overlapped_acquire(std::uint16_t count, std::uint16_t first = 0) : range{htons(first), count} {}
    answer start(SOCKET s, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = nullptr) {
        return control(s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof range, &instance, sizeof instance, &overlapped,
                       routine);
    }
    /// 0 or the error; waits.
    int result(SOCKET s, BOOL wait = TRUE) {
        DWORD flags = 77;
        return WSAGetOverlappedResult(s, &overlapped, &bytes, wait, &flags) ? 0 : WSAGetLastError();
    }
    [[nodiscard]] std::uint16_t first() const { return ntohs(instance.Reservation.StartPort); }
    INET_PORT_RANGE range;
    INET_PORT_RESERVATION_INSTANCE instance{};
    WSAOVERLAPPED overlapped{};
    DWORD bytes = 77;
};

inline std::uint16_t a_free_block(std::uint16_t count) {
    const own_socket socket(SOCK_DGRAM);
    return acquire(socket, count).first;
}

}  // namespace compat_test
