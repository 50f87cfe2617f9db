// What an io_context is made of: one thread's turns over a backend, a queue of ready nodes and a heap of timers.
//
// Everything but post(), stop() and the counts of work belongs to one thread at a time, its owner: the one inside
// run(), or, while nobody is, whoever comes through perform(). No Asio type appears here, so that the compiled
// library and its users need not agree on a version of Asio.
#pragma once

#include <berth/detail/config.hpp>
#include <berth/detail/operation.hpp>
#include <berth/error.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace berth::detail {

class backend;
struct loop_parts;

struct loop_options {
    bool allow_ring = true;     ///< false: the asio backend at once
    bool require_ring = false;  ///< a refused ring is a failure
    bool spin = false;          ///< never sleep: look again and again
    std::uint32_t entries = 1024;
    std::uint32_t buffer_size = 4096;  ///< bytes
    std::uint32_t buffer_count = 256;
};

struct timer_node;

/// The waits of one timer, in the order of their starts. Changed by the loop's owner alone; others may ask whether
/// there are any.
struct timer_list {
    std::atomic<timer_node*> first{nullptr};
    timer_node* last = nullptr;
};

/// What waits for a time. Like an operation: linked, never copied.
struct timer_node : ready_node {
    std::chrono::steady_clock::time_point due{};
    std::uint64_t order = 0;   ///< among those that are due at the same time
    std::size_t place = npos;  ///< in the heap; npos: not in it
    bool is_cancelled = false;
    timer_list* list = nullptr;  ///< nullptr: in none
    timer_node* next = nullptr;  ///< in the list
    timer_node* previous = nullptr;
    static constexpr std::size_t npos = ~std::size_t{0};

    void enter(timer_list& to) noexcept {
        list = &to;
        next = nullptr;
        previous = std::exchange(to.last, this);
        if (previous != nullptr)
            previous->next = this;
        else
            to.first.store(this, std::memory_order_release);
    }
    void leave() noexcept {
        if (list == nullptr) return;
        timer_list& from = *std::exchange(list, nullptr);
        (next != nullptr ? next->previous : from.last) = previous;
        if (previous != nullptr)
            previous->next = next;
        else
            from.first.store(next, std::memory_order_release);  // the last word: who finds it empty may destroy it
    }
};

/// What lives on a loop beside its own objects. Both are called by the owner, and may throw what a handler throws.
struct loop_guest {
    bool (*serve)(loop_guest&) = nullptr;    ///< before each sleep if is_busy; true: a handler ran
    void (*inspect)(loop_guest&) = nullptr;  ///< twice a second, as long as handlers run or is_busy
    bool is_busy = false;
};

class event_loop {
public:
    using clock = std::chrono::steady_clock;

    /// nullptr and a failure if the options cannot be met.
    BERTH_DECL static std::unique_ptr<event_loop> make(const loop_options& options, failure& f);
    BERTH_DECL ~event_loop();
    event_loop(const event_loop&) = delete;
    event_loop& operator=(const event_loop&) = delete;

    /// Runs at most `most` handlers, sleeping in between until `until`; ends also when stopped or out of work.
    /// Returns how many ran. ec: operation_not_permitted if another thread is inside. Throws what a handler throws.
    BERTH_DECL std::size_t run(clock::time_point until, std::size_t most, error_code& ec);
    BERTH_DECL void stop() noexcept;
    [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_acquire); }
    void restart() noexcept { stopped_.store(false, std::memory_order_release); }

    /// True inside run() or perform() on this thread.
    [[nodiscard]] bool is_here() const noexcept {
        return owner_.load(std::memory_order_relaxed) == this_thread_mark();
    }

    /// The handler that runs takes long, or another like it is next: before that one the loop looks what came in, and
    /// which times have come. No effect on other threads than the owner.
    BERTH_DECL void look_soon() noexcept;

    /// Outstanding work keeps run() from ending. Any thread.
    void work_started() noexcept { add_work(1); }
    BERTH_DECL void work_finished() noexcept;

    /// Any thread; counts as work until it ran.
    BERTH_DECL void post(ready_node& node) noexcept;
    /// From the end of a node's run(): run() does not count it as a handler, nor does run_one() end with it.
    BERTH_DECL void was_no_handler() noexcept;

    /// Any thread: begins the operation here, or hands it to the owner. Counts as work until it ends.
    BERTH_DECL void start(operation& op) noexcept;

    /// Any thread: ends an operation that was not started, later, from a turn of the loop.
    BERTH_DECL void end_later(operation& op, int result) noexcept;

    /// Any thread; from another one than the owner's they wait until the owner did it.
    BERTH_DECL void cancel(operation& op) noexcept;
    /// is_fresh: this loop's accept made it.
    BERTH_DECL attachment* attach(std::intptr_t socket, bool is_datagram, bool is_ipv6, error_code& ec,
                                  bool is_fresh = false);
    BERTH_DECL void cancel_all(attachment& socket) noexcept;
    /// Post: the kernel is done with the socket's operations; they end with operation_aborted, later.
    BERTH_DECL void detach(attachment* socket) noexcept;

    /// Between the two an attachment outlives the close of its socket. Pre: is_here().
    BERTH_DECL void hold(attachment& socket) noexcept;
    BERTH_DECL void let_go(attachment& socket) noexcept;

    /// Any thread, as attach. What has not expired is run later, cancelled; no node is in the list any more that
    /// cancel of a list has passed over. Returns how many were cancelled.
    /// add throws std::bad_alloc; then nothing waits.
    BERTH_DECL void add(timer_node& timer, timer_list& list);
    BERTH_DECL void cancel(timer_node& timer) noexcept;
    BERTH_DECL std::size_t cancel(timer_list& list, std::size_t most) noexcept;
    /// For those who know that the node is theirs alone. Post of remove: it is not run; false: it was not waiting.
    BERTH_DECL void add(timer_node& timer);
    BERTH_DECL bool remove(timer_node& timer) noexcept;

    /// A lent buffer is not read any more. Any thread; from another than the owner's its bytes, which begin at `data`,
    /// carry the message.
    BERTH_DECL void return_buffer(std::uint32_t id, void* data) noexcept;
    static constexpr std::size_t room_to_return = 64;  ///< bytes from `data` on, of which there are never fewer

    /// Runs the node when nothing else is ready, before the system is asked for more, but after 64 handlers at the
    /// latest. Pre: is_here(). Counts as work.
    BERTH_DECL void post_last(ready_node& node) noexcept;

    /// Memory for operations: recycled, without a lock, if is_here().
    BERTH_DECL void* allocate(std::size_t size);
    BERTH_DECL void deallocate(void* memory, std::size_t size) noexcept;

    /// For a loop of somebody else's: readable when run(time_point::min(), ...) has something to do. From the first
    /// call on other threads' calls make it readable too. As backend::wait_handle(); errors: operation_not_supported,
    /// the system's.
    BERTH_DECL std::intptr_t wait_handle(error_code& ec) noexcept;
    /// When the first timer is due, as of the last run() or call of another thread's; max: none. Any thread.
    [[nodiscard]] BERTH_DECL clock::time_point next_due() const noexcept;

    /// Pre: not inside run(). It must outlive the loop's last run().
    BERTH_DECL void set_guest(loop_guest& guest) noexcept;

    /// Memory that may outlive the loop and be freed by any thread. Any thread; on that of the loop's heap it comes
    /// from there. nullptr: from no loop's.
    BERTH_DECL static void* allocate_lasting(event_loop* loop, std::size_t size);
    BERTH_DECL static void free_lasting(void* memory) noexcept;

    /// The calling thread makes a heap for this loop's memory, and deletes it. Pre of leaving: it is the one that
    /// entered. Memory that is in use stays valid. In between, other threads may run the loop: they do without.
    BERTH_DECL void enter_heap() noexcept;
    BERTH_DECL void leave_heap() noexcept;
    /// Of the process: where this memory comes from, and why from there.
    [[nodiscard]] BERTH_DECL static const std::string& memory_reason() noexcept;

    /// Frees, without running it, all that waits or is under way.
    BERTH_DECL void abandon() noexcept;

    [[nodiscard]] BERTH_DECL std::uint32_t lent_buffer_size() const noexcept;  ///< bytes
    [[nodiscard]] BERTH_DECL std::string_view backend_name() const noexcept;
    [[nodiscard]] BERTH_DECL const std::string& backend_reason() const noexcept;

private:
    friend struct loop_parts;
    explicit event_loop(std::unique_ptr<loop_parts> parts) noexcept;
    BERTH_DECL static const void* this_thread_mark() noexcept;
    BERTH_DECL void add_work(std::int64_t n) noexcept;

    std::atomic<const void*> owner_{nullptr};
    std::atomic<bool> stopped_{false};
    std::unique_ptr<loop_parts> parts_;
};

}  // namespace berth::detail
