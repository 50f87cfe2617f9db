// The control calls under way: who may end one, and when its end is told.
//
//     waiting ── a thread begins it ──▶ acting ── done ──▶ ended
//        └──────────── aborted ─────────────────────────────▲
//
// An operation ends once. An acquire that is aborted while it acts ends when its block is free again, so that whoever
// hears of the end can ask for the ports at once. Guarded by the monitor.
#pragma once

#include "monitor.hpp"

#include <berth/associate.hpp>

#include <atomic>
#include <list>

#include "mstcpip.h"

namespace berth::compat {

struct operation {
    DWORD code = 0;
    int fd = -1;
    port_block block{};         // acquire
    reservation_token token{};  // associate, release; and what was acquired
    void* out = nullptr;
    LPWSAOVERLAPPED overlapped = nullptr;  // none: the caller waits
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = nullptr;
    std::shared_ptr<callback_queue> thread{};  // that made the call

    enum class stage { waiting, acting, ended } now = stage::waiting;
    bool aborted = false;
    bool is_at_once = false;   // its call returns the result
    bool holds_number = true;  // the descriptor must not be closed yet
};

class operations {
public:
    static operations& instance();

    /// In the caller's thread, to the end: 0 and the bytes, or an error. With an OVERLAPPED a success is told there
    /// too.
    int perform(const std::shared_ptr<operation>& op, DWORD& bytes);
    /// On a thread of its own: WSA_IO_PENDING, or why it could not be started.
    int start(const std::shared_ptr<operation>& op);

    void flush(int fd) { abort_if(fd, nullptr, nullptr, false); }
    bool abort_one(int fd, LPWSAOVERLAPPED overlapped) { return abort_if(fd, overlapped, nullptr, false); }
    void abort_of_thread(const callback_queue& thread) { abort_if(-1, nullptr, &thread, false); }
    /// Returns when nothing here uses the descriptor any more.
    void about_to_close(int fd);
    /// In a forked child, whose parent carries them out. The monitor is held.
    void forget_all() noexcept { under_way_.clear(); }

    /// Tests hold the work back with it. Called without the monitor.
    static std::atomic<void (*)()> before_acting;
    static std::atomic<void (*)()> after_acting;

private:
    bool abort_if(int fd, LPWSAOVERLAPPED overlapped, const callback_queue* thread, bool closing);
    int run(const std::shared_ptr<operation>& op, DWORD& bytes);
    int act(operation& op, DWORD& bytes);
    void associate_dual_stack(operation& op, failure& f);
    void let_go_of_number(operation& op);
    void end(operation& op, int error, DWORD bytes) noexcept;

    std::list<std::shared_ptr<operation>> under_way_;
};

}  // namespace berth::compat
