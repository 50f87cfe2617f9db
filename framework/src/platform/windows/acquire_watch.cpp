// See acquire_watch.hpp.
#include "platform/windows/acquire_watch.hpp"

#include "platform/quiet_thread.hpp"

#include <system_error>

namespace berth::platform {
namespace {

constexpr DWORD look_again = 1000, after_error = 10;  // milliseconds

}  // namespace

acquire_watch::~acquire_watch() {
    if (thread_.joinable()) thread_.join();
    if (port_ != nullptr) os_.let_go(port_);
}

int acquire_watch::expect(native_socket s, watched_call& call, detail::waker& who) noexcept {
    const std::lock_guard lock(mutex_);
    if (port_ == nullptr) {
        if (const int r = os_.make_completion_port(port_); r < 0) {
            port_ = nullptr;
            return r;
        }
    }
    if (os_.set_completion(s, port_, false) < 0) return -WSAENOBUFS;
    if (!is_running_) {
        if (thread_.joinable()) thread_.join();  // it takes no lock any more
        try {
            thread_ = std::thread([this] { run(); });
        } catch (const std::system_error&) {
            return -WSAENOBUFS;
        }
        is_running_ = true;
    }
    ++expected_;
    call.overlapped = {};
    call.who = &who;
    call.has_ended = false;
    return 0;
}

void acquire_watch::call_off() noexcept {
    const std::lock_guard lock(mutex_);
    if (--expected_ == 0) os_.post_completion(port_, nullptr);  // lost, the thread looks by itself
}

bool acquire_watch::has_ended(watched_call& call) noexcept {
    const std::lock_guard lock(mutex_);
    return call.has_ended;
}

void acquire_watch::wait_for_end(watched_call& call) noexcept {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return call.has_ended; });
}

void acquire_watch::run() noexcept {
    name_this_thread("berth acquires");
    std::unique_lock lock(mutex_);
    while (expected_ != 0) {
        lock.unlock();
        OVERLAPPED* which = nullptr;
        const int r = os_.fetch_completion(port_, which, look_again);
        if (r < 0 && r != -WAIT_TIMEOUT) ::Sleep(after_error);
        lock.lock();
        if (which == nullptr) continue;
        auto& call = *reinterpret_cast<watched_call*>(which);
        --expected_;
        call.has_ended = true;
        call.who->wake();
        ended_.notify_all();
    }
    is_running_ = false;
}

}  // namespace berth::platform
