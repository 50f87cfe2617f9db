// The backend on io_uring: one submission entry for each operation, its results taken straight off the queue.
//
// An operation ends only when the kernel's last result for it was fetched, or when the kernel never had it: so no
// late result can reach an operation that was made at the same address. What is to be submitted is prepared in memory
// and handed over by wait() and look() alone; what finds no entry waits in lists, none is refused. Sources:
// uring_backend (verbs), uring_turn (wait, look, change of threads), uring_operations (submission entries),
// uring_results (completions), uring_quiet (quiet, the end).
#pragma once

#include "backend/backend.hpp"
#include "backend/recycled_memory.hpp"
#include "backend/uring/lent_buffers.hpp"
#include "backend/uring/operation_list.hpp"
#include "backend/uring/ring.hpp"
#include "platform/fork_stamp.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace berth::detail {

/// What user_data says. An operation's address is never one of the first numbers, and even.
namespace tag {
inline constexpr std::uint64_t ignored = 1;
inline constexpr std::uint64_t ear = 2;
inline constexpr std::uint64_t last = 7;
inline std::uint64_t of(const operation& op) noexcept { return reinterpret_cast<std::uintptr_t>(&op); }
inline std::uint64_t of_cancellation(const operation& op) noexcept { return of(op) | 1; }
inline bool is_operation(std::uint64_t user_data) noexcept { return user_data > last && (user_data & 1) == 0; }
inline operation& operation_of(std::uint64_t user_data) noexcept {
    return *reinterpret_cast<operation*>(static_cast<std::uintptr_t>(user_data));
}
}  // namespace tag

/// Receives, or sends, of one socket. The kernel keeps no order among operations that wait, so it has one of them at
/// a time; of a datagram socket's sends as many as there are, as long as the system has room for them.
struct direction {
    operation_list queue;
    std::uint32_t admitted = 0;  ///< under way, and not in the queue
    bool is_full = false;        ///< the system has no room: one at a time, which waits for it
    bool is_drained = false;     ///< the last receive found that no more was there
    bool may_hold_more = true;   ///< of datagrams: the last try to receive found one
};

class uring_socket : public attachment {
public:
    using attachment::attachment;
    direction receives, sends;
};

class uring_datagram_socket final : public uring_socket {
public:
    using uring_socket::uring_socket;
    /// In the queue: the last of the sends that found no room, and are first again.
    operation* pushed_back = nullptr;
};

class uring_backend final : public backend {
public:
    static std::unique_ptr<uring_backend> make(const backend_options& options, const ring_limits& limits,
                                               std::string& reason);
    ~uring_backend() override;

    [[nodiscard]] const backend_facts& facts() const noexcept override { return facts_; }
    std::unique_ptr<attachment> attach(platform::native_socket socket, socket_kind kind,
                                       std::error_code& ec) override;
    void start(operation& op) noexcept override;
    void cancel(operation& op) noexcept override;
    void quiet(attachment& socket) noexcept override;
    void wait(clock::time_point until) noexcept override;
    void look() noexcept override { wait(clock::time_point::min()); }
    void rest() noexcept override;
    bool next(completion& out) noexcept override;
    void wake() noexcept override;
    platform::native_socket wait_handle(std::error_code& ec) noexcept override;
    void return_buffer(std::uint32_t id) noexcept override;
    void destroy(attachment& socket) noexcept override;

private:
    uring_backend(const ring_limits& limits, std::uint32_t entries) noexcept : limits_(limits), entries_(entries) {}
    int open_ring() noexcept;

    // under way
    static uring_socket& socket_of(operation& op) noexcept { return static_cast<uring_socket&>(*op.socket); }
    static bool is_ongoing(const operation& op) noexcept { return op.many && is_many_verb(op.what); }
    static int flags_of(const operation& op) noexcept { return op.flags & ~MSG_DONTWAIT; }  // operations wait
    static bool is_many_verb(verb v) noexcept { return v == verb::receive || v == verb::accept; }
    static direction* direction_of(operation& op) noexcept;
    static operation*& pushed_back(operation& op) noexcept {
        return static_cast<uring_datagram_socket&>(*op.socket).pushed_back;
    }
    static void take_out(operation& op) noexcept;
    static bool goes_together(operation& op) noexcept;
    static bool uses_message(const message_operation& op) noexcept;
    void admit(direction& d, operation& op) noexcept;
    void admit_next(direction& d) noexcept;
    void leave(operation& op) noexcept;
    void push_back(operation& op) noexcept;
    void submit(operation& op) noexcept;
    bool done_at_once(operation& op) noexcept;
    void end(operation& op, int result) noexcept;
    bool end_in_memory(operation& op) noexcept;

    // turns
    bool begin() noexcept;
    bool find() noexcept;
    bool take_wake() noexcept;
    void hand_over() noexcept;
    bool fill_queue() noexcept;
    void sleep(clock::time_point until) noexcept;
    void doze(clock::time_point until) noexcept;
    bool silence_bell() const noexcept;
    void ring_bell() const noexcept;
    bool stash() noexcept;
    void leave_ring() noexcept;

    // submission entries
    void prepare(operation& op, ::io_uring_sqe& entry) noexcept;
    void prepare_receive(message_operation& op, uring_socket& socket, ::io_uring_sqe& entry) noexcept;
    void prepare_receive_many(operation& op, uring_socket& socket, ::io_uring_sqe& entry) noexcept;
    void prepare_send(message_operation& op, uring_socket& socket, ::io_uring_sqe& entry) noexcept;
    void prepare_accept(operation& op, ::io_uring_sqe& entry) noexcept;
    static int transfer_now(message_operation& op) noexcept;
    void prepare_cancel(const operation& op, ::io_uring_sqe& entry) noexcept;
    void prepare_ear(::io_uring_sqe& entry) noexcept;
    void make_void(::io_uring_sqe& entry) noexcept;
    [[nodiscard]] bool chooses_buffer(const operation& op) const noexcept;
    bool lacks_buffer(operation& op) noexcept;
    void give_back_own(operation& op) noexcept;
    void lend_own(operation& op, int received, completion& out) noexcept;
    void lend_own_datagram(message_operation& op, completion& out) noexcept;

    // results
    bool fetch(completion& out) noexcept;
    bool settle(const ring_result& r, completion& out) noexcept;
    bool settle_one(operation& op, const ring_result& r, completion& out) noexcept;
    bool settle_many(operation& op, const ring_result& r, completion& out) noexcept;
    bool settle_poll(operation& op, int result, completion& out) noexcept;
    bool settle_quieted(operation& op, const ring_result& r, completion& out) noexcept;
    static void name_accepted(message_operation& op, int client) noexcept;
    bool goes_on(operation& op, int& result) noexcept;
    bool finish(operation& op, int result, completion& out) noexcept;
    void begin_going_on(operation& op) noexcept;
    void lend(operation& op, const ring_result& r, completion& out) noexcept;
    void lend_datagram(message_operation& op, completion& out) noexcept;
    void drop(operation& op, const ring_result& r) noexcept;
    void heard(const ring_result& r) noexcept;
    void forget_cancellation(operation& op) noexcept;
    void forget_cancellations() noexcept;
    void cancel_again(std::uint64_t cancellation) noexcept;

    // quiet
    void come_apart() noexcept {
        if (process_ != platform::fork_stamp()) [[unlikely]]
            leave_to_parent();
    }
    void leave_to_parent() noexcept;
    std::uint32_t ask_for_quiet(attachment& socket) noexcept;
    void stop(operation& op) noexcept;
    void stop_all() noexcept;
    void wait_for(std::uint32_t results) noexcept;
    template <class Function>
    void for_each_submitted(const Function& f) noexcept;
    ::io_uring_sqe* slot_at_once() noexcept;
    [[nodiscard]] bool has_last(const operation& op) const noexcept;
    void mark_last(const ring_result& r) noexcept;
    void mark_all_last() noexcept;
    void drop_ahead(const attachment& socket) noexcept;

    ring ring_;
    lent_buffers buffers_;
    ring_limits limits_;
    backend_facts facts_;
    std::uint32_t entries_;

    operation_list backlog_, starved_, cancels_, told_, ended_;
    completion ahead_;                  ///< fetched by wait() to know that there is one; op is nullptr if not
    std::vector<ring_result> stashed_;  ///< taken off the queue before their turn
    std::size_t next_stashed_ = 0;
    std::uint32_t in_kernel_ = 0;        ///< operations whose place it is
    std::uint32_t waiting_for_all_ = 0;  ///< operations with MSG_WAITALL
    bool has_buffers_back_ = false;
    std::uint32_t at_once_left_ = 0;  ///< operations that this turn may carry out by itself

    int ear_ = -1;         ///< the eventfd that wake() writes to
    bool is_deaf_ = true;  ///< nothing listens to it: that is to be submitted
    bool is_woken_ = false;
    std::atomic<bool> is_wake_pending_{false};
    std::atomic<int> bell_{-1};  ///< the eventfd of wait_handle(); -1: nobody asked for it

    recycled_memory socket_memory_;
    std::uint64_t process_ = 0;  ///< its stamp: a forked child has another
};

}  // namespace berth::detail
