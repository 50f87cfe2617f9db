// One io_uring: made with the best the kernel grants, entered by one thread, read by nobody else.
//
// Where the kernel has it, the ring belongs to one thread: the one that first calls begin(). Then completions are
// made only while that thread is inside enter(), so the kernel works on an operation's memory at no other time.
// Verbs return what the kernel returned or -errno. Nothing here knows what an operation is.
#pragma once

#include <liburing.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace berth::detail {

/// What may be used of the kernel's abilities. Tests take some away, to play an older kernel or one that refuses.
struct ring_limits {
    bool deferred_work = true;           ///< Linux 6.1
    bool single_issuer = true;           ///< Linux 6.0: and, as old, receives with many results, cancelling at once
    bool buffer_rings = true;            ///< Linux 5.19: and, as old, accepts with many results
    bool restrictions = true;            ///< Linux 5.10
    std::uint32_t completion_queue = 0;  ///< entries; 0: four times those of the submission queue
    std::chrono::milliseconds patience{500};  ///< for memory that rings which ended just now still hold
    int (*setup)(unsigned, ::io_uring*, ::io_uring_params*) = ::io_uring_queue_init_params;
};

/// One entry of the completion queue.
struct ring_result {
    std::uint64_t user_data = 0;
    int result = 0;
    std::uint32_t flags = 0;
};

class ring {
public:
    using clock = std::chrono::steady_clock;

    ring() = default;
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    ~ring() { close(); }

    /// 0, or what the kernel answered to the last attempt. Pre: not open. Fewer entries than asked for if the kernel
    /// cannot have more. May sleep where this process closed another one a moment ago: see ring_limits.
    int open(std::uint32_t entries, const ring_limits& limits) noexcept;
    /// Pre: the kernel has no operation, or only such as it cannot work on any more. In a forked child too.
    void close() noexcept;
    /// In a forked child: its copy goes, and nothing that it shares with its parent is touched.
    void let_go() noexcept;
    [[nodiscard]] bool is_open() const noexcept { return ring_.ring_fd >= 0; }

    /// The calling thread is the one that enters from now on. Again: no effect.
    int begin() noexcept;
    [[nodiscard]] bool has_begun() const noexcept { return issuer_ != 0; }
    [[nodiscard]] bool is_here() const noexcept;
    /// From now on `event` counts up when there are results to gather. Pre: is_here().
    int report_to(int event) noexcept { return ::io_uring_register_eventfd(&ring_, event); }
    /// The thread may come back, or not: gives back what the kernel keeps for it.
    void rest() noexcept;

    /// What open() turned out to have got.
    [[nodiscard]] std::uint32_t entries() const noexcept { return ring_.sq.ring_entries; }
    [[nodiscard]] bool is_deferred() const noexcept { return (ring_.flags & IORING_SETUP_DEFER_TASKRUN) != 0; }
    [[nodiscard]] bool is_single() const noexcept { return (ring_.flags & IORING_SETUP_SINGLE_ISSUER) != 0; }
    [[nodiscard]] bool can_skip_results() const noexcept { return (ring_.features & IORING_FEAT_CQE_SKIP) != 0; }
    [[nodiscard]] int descriptor() const noexcept { return ring_.ring_fd; }

    // --- submission ---

    /// nullptr: the queue is full, or there is none. Its user_data and all else is the caller's to fill.
    ::io_uring_sqe* slot() noexcept { return is_open() ? ::io_uring_get_sqe(&ring_) : nullptr; }
    /// Of the entry that slot() gave last.
    [[nodiscard]] std::uint32_t sequence() const noexcept { return ring_.sq.sqe_tail - 1; }
    [[nodiscard]] std::uint32_t unsubmitted() const noexcept { return ring_.sq.sqe_tail - *ring_.sq.khead; }
    /// The entry with this number if it was not handed over yet, and if it has this user_data; else nullptr.
    ::io_uring_sqe* unsubmitted(std::uint32_t sequence, std::uint64_t user_data) noexcept {
        if (sequence - *ring_.sq.khead >= unsubmitted()) return nullptr;
        ::io_uring_sqe* const entry = &ring_.sq.sqes[sequence & ring_.sq.ring_mask];
        return entry->user_data == user_data ? entry : nullptr;
    }

    /// Hands over what is unsubmitted and gathers results, waits for `least` of them, not longer than `timeout`
    /// (nullptr: for ever). Pre: is_here() or not is_single().
    int enter(unsigned least, const __kernel_timespec* timeout) noexcept {
        return enter(unsubmitted(), least, timeout);
    }
    /// As enter(), and hands over nothing.
    int gather(unsigned least, const __kernel_timespec* timeout) noexcept { return enter(0, least, timeout); }
    /// enter() would hand over or gather something without waiting.
    [[nodiscard]] bool has_work() const noexcept {
        return unsubmitted() != 0 || (kernel_flags() & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) != 0;
    }

    /// Cancels what was submitted with this user_data. -ETIME: a worker of the kernel's is at it yet, and was told; its
    /// result says when it is over. Otherwise it is not worked on any more.
    int cancel_now(std::uint64_t user_data) noexcept;
    [[nodiscard]] bool can_cancel_now() const noexcept { return can_cancel_now_; }

    // --- completion ---

    [[nodiscard]] std::uint32_t results() const noexcept { return ::io_uring_cq_ready(&ring_); }
    [[nodiscard]] std::uint32_t most_results() const noexcept { return ring_.cq.ring_entries; }
    /// There are results that did not fit: enter() brings them once there is room.
    [[nodiscard]] bool is_overflown() const noexcept { return (kernel_flags() & IORING_SQ_CQ_OVERFLOW) != 0; }
    /// Pre: i < results().
    [[nodiscard]] ring_result result(std::uint32_t i) const noexcept {
        const ::io_uring_cqe& entry = ring_.cq.cqes[(*ring_.cq.khead + i) & ring_.cq.ring_mask];
        return {entry.user_data, entry.res, entry.flags};
    }
    void forget(std::uint32_t count) noexcept { ::io_uring_cq_advance(&ring_, count); }

private:
    int try_open(std::uint32_t entries, const ring_limits& limits, unsigned flags) noexcept;
    int check() noexcept;
    int limit_operations() noexcept;
    int enter(unsigned submit, unsigned least, const __kernel_timespec* timeout) noexcept;
    void name_itself() noexcept;
    [[nodiscard]] unsigned kernel_flags() const noexcept { return IO_URING_READ_ONCE(*ring_.sq.kflags); }

    ::io_uring ring_ = unopened();
    std::uint64_t issuer_ = 0;   ///< the thread that enters
    int index_ = -1;             ///< the ring's name in that thread's table; -1: has none
    std::uint32_t entered_ = 0;  ///< times, without a name
    bool can_cancel_now_ = false;

    static ::io_uring unopened() noexcept {
        ::io_uring r{};
        r.ring_fd = -1;
        return r;
    }
};

/// Why a ring is refused, and what would help.
std::string words_for_refusal(int error);

}  // namespace berth::detail
