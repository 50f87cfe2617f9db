// The books of a simulated loop: what was begun, and that each of it ends once, in a way that is allowed.
//
// As tests/unit/io/walk_ledger.hpp, but what breaks is told and not asserted, so that a program can be shrunk.
#pragma once

#include "simulation/model_network.hpp"

#include <asio/cancellation_signal.hpp>
#include <asio/ip/udp.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <list>
#include <string>
#include <utility>
#include <vector>

namespace berth::simulation {

struct ledger_entry {
    std::uint8_t what = 0;     ///< the step that began it
    std::uint64_t player = 0;  ///< whose socket; 0: none
    session_mark mark = 0;     ///< of the session that it belongs to
    bool is_many = false;
    bool is_closed = false;  ///< its socket was closed before it ended
    bool is_cancelled = false;
    bool has_ended = false;
    bool is_reading = false;
    std::uint8_t then = 0;      ///< what its handler does
    std::uint64_t subject = 0;  ///< of a reserve or connect: the block
    std::chrono::steady_clock::time_point due = std::chrono::steady_clock::time_point::max();
    std::vector<unsigned char> buffer{};
    asio::ip::udp::endpoint source{};
    asio::cancellation_signal signal{};

    static constexpr unsigned char poison = 0xfe, blank = 0xfd;  // no session's bytes
    void close() {
        is_closed = true;
        if (is_reading) std::fill(buffer.begin(), buffer.end(), poison);
    }
    [[nodiscard]] bool is_untouched() const {
        return std::all_of(buffer.begin(), buffer.end(), [](unsigned char c) { return c == poison; });
    }
};

class loop_ledger {
public:
    ledger_entry& begin(std::uint8_t what) {
        ledger_entry& e = entries_.emplace_back();
        e.what = what;
        ++pending_;
        return e;
    }
    void end(ledger_entry& e, bool by_call) {
        if (std::exchange(e.has_ended, true)) return break_rule("exactly once: an operation ended twice");
        --pending_;
        if (!by_call && !may_drop_) break_rule("exactly once: a handler was destroyed and not called");
        if (e.is_closed && e.is_reading && !e.is_untouched()) break_rule("after close: bytes were written");
    }
    /// close() of that player's socket has returned.
    void closed(std::uint64_t player) {
        for (auto& e : entries_) {
            if (e.player == player && !e.has_ended) e.close();
        }
    }
    /// The context goes: what is under way may be destroyed.
    void may_drop(bool may) noexcept { may_drop_ = may; }
    void sweep() {
        if (pending_ != entries_.size()) entries_.remove_if([](const auto& e) { return e.has_ended; });
    }
    void break_rule(std::string what) {
        if (broken_.empty()) broken_ = std::move(what);
    }
    [[nodiscard]] std::size_t pending() const noexcept { return pending_; }
    [[nodiscard]] const std::string& broken() const noexcept { return broken_; }
    [[nodiscard]] std::list<ledger_entry>& entries() noexcept { return entries_; }
    /// The n-th of those that have not ended; nullptr: none.
    ledger_entry* pick(std::uint32_t n) {
        if (pending_ == 0) return nullptr;
        n %= static_cast<std::uint32_t>(pending_);
        for (auto& e : entries_) {
            if (!e.has_ended && n-- == 0) return &e;
        }
        return nullptr;
    }

private:
    std::list<ledger_entry> entries_;
    std::size_t pending_ = 0;
    bool may_drop_ = false;
    std::string broken_;
};

/// Moves with its handler, and notes the end of it, whichever it is.
class ledger_receipt {
public:
    ledger_receipt(loop_ledger& ledger, ledger_entry& e) noexcept : ledger_(&ledger), entry_(&e) {}
    ledger_receipt(ledger_receipt&& other) noexcept
        : ledger_(other.ledger_), entry_(std::exchange(other.entry_, nullptr)) {}
    ledger_receipt& operator=(ledger_receipt&&) = delete;
    ~ledger_receipt() {
        if (entry_ != nullptr) ledger_->end(*entry_, false);
    }
    /// nullptr: it has been called already.
    ledger_entry* called() {
        if (entry_ == nullptr) {
            ledger_->break_rule("exactly once: a handler was called twice");
            return nullptr;
        }
        ledger_->end(*entry_, true);
        return std::exchange(entry_, nullptr);
    }
    [[nodiscard]] ledger_entry* entry() const noexcept { return entry_; }

private:
    loop_ledger* ledger_;
    ledger_entry* entry_;
};

}  // namespace berth::simulation
