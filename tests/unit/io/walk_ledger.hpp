// The books of a walk over the public sockets: what was begun, and how, when and how often each of it ended.
//
// Independent of the library: a handler carries a receipt, and the receipt says whether it was called or only
// destroyed. The list of entries belongs to whoever holds the walk's lock; an entry's end may come on another thread.
#pragma once

#include <berth/tcp_socket.hpp>

#include <asio.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace io_test {

struct entry {
    const char* what = "";
    std::uint64_t socket = 0;  ///< which opening of which socket; 0: none, or not open
    std::atomic<int> called{0}, dropped{0};
    std::atomic<bool> is_closed{false};  ///< its socket was closed before it ended
    bool is_reading = false;
    std::vector<char> buffer;
    asio::ip::udp::endpoint source;
    std::unique_ptr<berth::tcp_socket> incoming;
    asio::cancellation_signal signal;

    [[nodiscard]] bool is_pending() const { return called == 0 && dropped == 0; }
    [[nodiscard]] bool is_untouched() const {
        return std::all_of(buffer.begin(), buffer.end(), [](char c) { return c == poison; });
    }
    static constexpr char poison = 'P';
};

/// Moves with its handler, and notes the end of it, whichever it is.
class receipt {
public:
    explicit receipt(entry& e) : entry_(&e) {}
    receipt(receipt&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
    receipt& operator=(receipt&&) = delete;
    ~receipt() {
        if (entry_ != nullptr) ++entry_->dropped;
    }
    entry& called() {
        entry& e = *std::exchange(entry_, nullptr);
        EXPECT_EQ(++e.called, 1) << e.what << " ended twice";
        EXPECT_EQ(e.dropped, 0) << e.what << " was called after it was destroyed";
        return e;
    }

private:
    entry* entry_;
};

class walk_ledger {
public:
    entry& begin(const char* what, std::uint64_t socket, std::size_t size = 0, bool is_reading = false) {
        entry& e = entries_.emplace_back();
        e.what = what;
        e.socket = socket;
        e.buffer.assign(size, 'b');
        e.is_reading = is_reading;
        return e;
    }

    /// close() has returned: what had not ended ends with operation_aborted, and its buffer is left alone.
    void closed(std::uint64_t socket) {
        if (socket == 0) return;
        for (entry& e : entries_) {
            if (e.socket != socket || !e.is_pending()) continue;
            if (e.is_reading) std::fill(e.buffer.begin(), e.buffer.end(), entry::poison);
            e.is_closed = true;
        }
    }

    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    entry& at(std::size_t i) { return entries_[i]; }
    [[nodiscard]] std::size_t pending() const {
        return static_cast<std::size_t>(
            std::count_if(entries_.begin(), entries_.end(), [](const entry& e) { return e.is_pending(); }));
    }
    [[nodiscard]] std::string names_of_pending() const {
        std::string all;
        for (const entry& e : entries_) {
            if (e.is_pending()) all += std::string(" ") + e.what + (e.is_closed ? "(closed)" : "");
        }
        return all;
    }

    /// Each ended once, and by its handler if it had to; no buffer was written after its socket was closed.
    void settle(bool all_were_called) {
        for (const entry& e : entries_) {
            EXPECT_EQ(e.called + e.dropped, 1) << e.what;
            EXPECT_TRUE(!all_were_called || e.called == 1) << e.what << " was destroyed and not called";
            EXPECT_TRUE(!e.is_reading || !e.is_closed || e.is_untouched()) << e.what << " wrote after close";
        }
        entries_.clear();
    }

private:
    std::deque<entry> entries_;
};

}  // namespace io_test
