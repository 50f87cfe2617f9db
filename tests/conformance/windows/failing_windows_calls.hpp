// A sibling of the seam: passes all but the tables on, lets the n-th call fail, and counts what is open.
//
// What lets go never fails: it may say so, but the descriptor is gone all the same.
#pragma once

#include "platform/windows/windows_calls.hpp"

#include <mutex>
#include <set>
#include <string>

namespace provider_contract {

using berth::platform::native_socket;
using berth::platform::windows_calls;

class failing_windows_calls final : public windows_calls {
public:
    static constexpr std::uint32_t never = ~std::uint32_t{0};
    explicit failing_windows_calls(windows_calls& real) : real_(real) {}

    /// The n-th call from now on fails with `error`; 0 is the next one.
    void fail(std::uint32_t n, int error) { at_ = n, error_ = error, made_ = 0, failed_.clear(); }
    void fail_no_more() { at_ = never; }
    /// The verb that failed; empty: none did.
    [[nodiscard]] const std::string& failed() const { return failed_; }
    [[nodiscard]] std::size_t open_things() const {
        const std::lock_guard lock(mutex_);
        return sockets_.size() + handles_.size();
    }

    native_socket socket(int family, int type, int protocol) noexcept override {
        return fails("socket") ? -error_ : opened(real_.socket(family, type, protocol));
    }
    int close(native_socket s) noexcept override {
        {
            const std::lock_guard lock(mutex_);
            sockets_.erase(s);
        }
        return real_.close(s);
    }
    int bind(native_socket s, const sockaddr* a, int size) noexcept override {
        return fails("bind") ? -error_ : real_.bind(s, a, size);
    }
    int listen(native_socket s, int backlog) noexcept override {
        return fails("listen") ? -error_ : real_.listen(s, backlog);
    }
    native_socket accept(native_socket s) noexcept override {
        return fails("accept") ? -error_ : opened(real_.accept(s));
    }
    int shutdown(native_socket s, int how) noexcept override { return real_.shutdown(s, how); }
    int recv(native_socket s, void* data, int size) noexcept override {
        return fails("recv") ? -error_ : real_.recv(s, data, size);
    }
    int getsockname(native_socket s, sockaddr_storage& name) noexcept override {
        return fails("getsockname") ? -error_ : real_.getsockname(s, name);
    }
    int getpeername(native_socket s, sockaddr_storage& name) noexcept override {
        return fails("getpeername") ? -error_ : real_.getpeername(s, name);
    }
    int getsockopt(native_socket s, int level, int name, void* value, int* size) noexcept override {
        return fails("getsockopt") ? -error_ : real_.getsockopt(s, level, name, value, size);
    }
    int setsockopt(native_socket s, int level, int name, const void* value, int size) noexcept override {
        return fails("setsockopt") ? -error_ : real_.setsockopt(s, level, name, value, size);
    }
    int set_blocking(native_socket s, bool blocking) noexcept override {
        return fails("set_blocking") ? -error_ : real_.set_blocking(s, blocking);
    }
    int select_no_events(native_socket s) noexcept override {
        return fails("select_no_events") ? -error_ : real_.select_no_events(s);
    }
    int ioctl(native_socket s, DWORD code, const void* in, DWORD in_size, void* out, DWORD out_size, DWORD& returned,
              OVERLAPPED* later) noexcept override {
        return fails("ioctl") ? -error_ : real_.ioctl(s, code, in, in_size, out, out_size, returned, later);
    }
    int result(native_socket s, OVERLAPPED& later, DWORD timeout_ms) noexcept override {
        return real_.result(s, later, timeout_ms);
    }
    int cancel(native_socket s, OVERLAPPED* later) noexcept override { return real_.cancel(s, later); }
    native_socket duplicate(native_socket s) noexcept override {
        return fails("duplicate") ? -error_ : opened(real_.duplicate(s));
    }
    int name(native_socket s, HANDLE& out) noexcept override {
        if (fails("name")) return -error_;
        const int r = real_.name(s, out);
        if (r >= 0) opened(out);
        return r;
    }
    int let_go(HANDLE h) noexcept override {
        {
            const std::lock_guard lock(mutex_);
            handles_.erase(h);
        }
        return real_.let_go(h);
    }
    int same(HANDLE h, native_socket s) noexcept override { return real_.same(h, s); }
    int count_handles(HANDLE h, std::uint32_t& out) noexcept override {
        return fails("count_handles") ? -error_ : real_.count_handles(h, out);
    }
    int set_completion(native_socket s, HANDLE port, bool replaces) noexcept override {
        return fails("set_completion") ? -error_ : real_.set_completion(s, port, replaces);
    }
    int make_completion_port(HANDLE& out) noexcept override {
        if (fails("make_completion_port")) return -error_;
        const int r = real_.make_completion_port(out);
        if (r >= 0) opened(out);
        return r;
    }
    int fetch_completion(HANDLE port, OVERLAPPED*& out, DWORD timeout_ms) noexcept override {
        return real_.fetch_completion(port, out, timeout_ms);
    }
    int post_completion(HANDLE port, OVERLAPPED* which) noexcept override {
        return real_.post_completion(port, which);
    }
    std::uint32_t build() noexcept override { return real_.build(); }
    std::uint32_t process() noexcept override { return real_.process(); }
    std::uint32_t network_compartment() noexcept override { return real_.network_compartment(); }
    // Wine reads all of the machine's connections for it, which other tests may have made thousands of.
    int read_table(bool, std::vector<berth::platform::table_row>&) noexcept override {
        return fails("read_table") ? -error_ : 0;
    }
    int create_persistent(bool tcp, std::uint16_t first, std::uint16_t count,
                          std::uint64_t& token) noexcept override {
        return real_.create_persistent(tcp, first, count, token);
    }
    int delete_persistent(bool tcp, std::uint16_t first, std::uint16_t count) noexcept override {
        return real_.delete_persistent(tcp, first, count);
    }
    int look_up_persistent(bool tcp, std::uint16_t first, std::uint16_t count,
                           std::uint64_t& token) noexcept override {
        return real_.look_up_persistent(tcp, first, count, token);
    }

private:
    bool fails(const char* verb) noexcept {
        const std::lock_guard lock(mutex_);
        if (made_++ != at_) return false;
        failed_ = verb;
        return true;
    }
    native_socket opened(native_socket s) {
        const std::lock_guard lock(mutex_);
        if (s >= 0) sockets_.insert(s);
        return s;
    }
    void opened(HANDLE h) {
        const std::lock_guard lock(mutex_);
        handles_.insert(h);
    }

    windows_calls& real_;
    mutable std::mutex mutex_;
    std::uint32_t at_ = never, made_ = 0;
    int error_ = 0;
    std::string failed_;
    std::set<native_socket> sockets_;
    std::set<HANDLE> handles_;
};

}  // namespace provider_contract
