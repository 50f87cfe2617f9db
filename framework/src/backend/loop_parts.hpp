// The inside of an event loop: its queues, its timers, its sockets and who owns it. See event_loop.hpp.
#pragma once

#include "backend/backend.hpp"
#include "backend/recycled_memory.hpp"
#include "platform/fork_stamp.hpp"

#include <berth/detail/event_loop.hpp>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace berth::detail {

std::unique_ptr<backend> make_backend(const loop_options& options, std::string& reason);

/// First in, first out; linked through the nodes.
class ready_list {
public:
    void push(ready_node& node) noexcept {
        node.next_ready = nullptr;
        *end_ = &node;
        end_ = &node.next_ready;
    }
    ready_node* pop() noexcept {
        ready_node* const node = first_;
        if (node == nullptr) return nullptr;
        first_ = node->next_ready;
        if (first_ == nullptr) end_ = &first_;
        return node;
    }
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    /// From the middle; a walk. False: it is not here.
    bool take_out(ready_node& node) noexcept {
        for (ready_node** at = &first_; *at != nullptr; at = &(*at)->next_ready) {
            if (*at != &node) continue;
            *at = node.next_ready;
            if (end_ == &node.next_ready) end_ = at;
            return true;
        }
        return false;
    }
    /// All of the other's, behind ours.
    void splice(ready_list& other) noexcept {
        while (ready_node* const node = other.pop()) push(*node);
    }

private:
    ready_node* first_ = nullptr;
    ready_node** end_ = &first_;
};

struct loop_parts {
    using clock = event_loop::clock;

    std::unique_ptr<backend> engine;
    std::string reason;
    bool spin = false;
    std::uint32_t buffer_size = 0;

    ready_list ready;
    ready_list at_turn_end;         // for the end of a turn
    std::vector<timer_node*> heap;  // the one that is due first at the front
    std::uint64_t timers_added = 0;
    recycled_memory memory;
    unsigned handlers_since_look = 0;
    bool results_first = false;
    bool abandoned = false;
    bool ran_handler = true;  // false: what ran was the loop's own business
    loop_guest* guest = nullptr;
    bool is_inspected = false;  // no handler ran since
    clock::time_point next_inspection{}, last_slow_turn{};
    bool has_more = false;                 // the last run() ended before it was through
    std::atomic<bool> is_embedded{false};  // somebody else's loop waits for the engine's handle
    std::atomic<clock::rep> next_due{clock::time_point::max().time_since_epoch().count()};
    std::atomic<std::int64_t> work_here{0};  // written by the owner alone

    std::atomic<ready_node*> inbox{nullptr};  // the latest first
    std::atomic<bool> sleeping{false};
    std::atomic<std::int64_t> work_elsewhere{0};
    std::atomic<int> visitors{0};

    /// What another thread does here may be what the owner's last run() waited for: the loop stays until it is done.
    class visit {
    public:
        explicit visit(loop_parts& parts) noexcept : visitors_(parts.visitors) { visitors_.fetch_add(1); }
        visit(const visit&) = delete;
        visit& operator=(const visit&) = delete;
        ~visit() { visitors_.fetch_sub(1, std::memory_order_release); }

    private:
        std::atomic<int>& visitors_;
    };
    void wait_for_visitors() const noexcept {
        while (visitors.load(std::memory_order_acquire) != 0) std::this_thread::yield();
    }

    struct request {
        void (*call)(void*) noexcept;
        void* object;
        request* next = nullptr;
        bool done = false;
    };
    std::uint64_t process = platform::fork_stamp();
    /// A forked child has none of its parent's threads: an owner that is not the thread that forked is none.
    void come_apart(event_loop& loop) noexcept;
    std::mutex gate;                 // of the owner and the requests
    std::condition_variable served;  // a request was, or the owner left
    bool is_run = false;             // the owner is inside run()
    request* requests = nullptr;
    std::atomic<bool> has_requests{false};

    enum class purpose : std::uint8_t { run, perform };

    /// Ownership for a scope: of this thread already, or nobody's until now. Else false.
    class ownership {
    public:
        ownership(event_loop& loop, purpose what) noexcept;
        ~ownership();
        ownership(const ownership&) = delete;
        ownership& operator=(const ownership&) = delete;
        explicit operator bool() const noexcept { return is_owner_; }
        [[nodiscard]] bool is_new() const noexcept { return is_owner_ && !was_owner_; }

        /// This thread owns a loop, and serves the requests to all that it owns.
        [[nodiscard]] static bool is_any_here() noexcept { return innermost_ != nullptr; }
        static void serve_all() noexcept;

    private:
        void enter() noexcept;

        static constinit thread_local ownership* innermost_;
        event_loop& loop_;
        ownership* outer_ = nullptr;
        bool was_owner_ = false;
        bool is_owner_ = false;
    };

    /// The end of a run() in somebody else's loop, also by an exception.
    class sleep_elsewhere {
    public:
        sleep_elsewhere(event_loop& loop, bool is_outermost) noexcept : loop_(loop), is_outermost_(is_outermost) {
            if (is_outermost_) loop_.parts_->has_more = true;
        }
        ~sleep_elsewhere() {
            if (is_outermost_ && loop_.parts_->is_embedded.load()) loop_.parts_->fall_asleep(loop_.stopped());
        }
        sleep_elsewhere(const sleep_elsewhere&) = delete;
        sleep_elsewhere& operator=(const sleep_elsewhere&) = delete;

    private:
        event_loop& loop_;
        bool is_outermost_;
    };

    /// One handler less to wait for, also if it throws.
    class counted_down {
    public:
        explicit counted_down(loop_parts& parts) noexcept : parts_(parts) {}
        ~counted_down() { parts_.work_here.store(parts_.work_here.load(std::memory_order_relaxed) - 1); }
        counted_down(const counted_down&) = delete;
        counted_down& operator=(const counted_down&) = delete;

    private:
        loop_parts& parts_;
    };

    /// Runs `what` as the owner: here, or by the owner while this thread waits.
    template <class What>
    static void perform(event_loop& loop, What what) noexcept {
        if (const ownership mine(loop, purpose::perform); mine) {
            what();
            return loop.parts_->leave(mine);
        }
        hand_over(
            loop, [](void* object) noexcept { (*static_cast<What*>(object))(); }, &what);
    }
    static void hand_over(event_loop& loop, void (*call)(void*) noexcept, void* object) noexcept;

    /// Something was done to the loop outside of run(): whoever waits for it elsewhere is to look.
    void leave(const ownership& mine) noexcept {
        if (mine.is_new() && is_embedded.load()) show_due(), engine->wake();
    }
    void show_due() noexcept;
    void fall_asleep(bool is_stopped) noexcept;

    /// One handler; false: stopped, out of work, or the time has come.
    bool turn(event_loop& loop, clock::time_point until);
    /// Until when the guest is to be inspected again.
    clock::time_point inspect_guest(clock::time_point now);
    bool run_ready();
    bool run_result();
    /// Gathers what other threads left and what is due; true: something is ready.
    bool look_around() noexcept;
    void take_inbox() noexcept;
    void serve_requests() noexcept;
    void wake_if_asleep() noexcept;

    /// What waits for the end of a turn becomes ready; true: something did.
    bool end_turn() noexcept {
        if (at_turn_end.empty()) return false;
        ready.splice(at_turn_end);
        return true;
    }

    [[nodiscard]] std::int64_t work() const noexcept {
        return work_here.load(std::memory_order_relaxed) + work_elsewhere.load();
    }
    void add_work_here(std::int64_t n) noexcept {
        work_here.store(work_here.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }

    void begin(operation& op) noexcept;
    void end_aborted(operation& op) noexcept;
    void destroy_if_done(attachment* socket) noexcept;

    bool add_timer(timer_node& timer) noexcept;
    bool end_timer(timer_node& timer) noexcept;
    bool remove_timer(timer_node& timer) noexcept;
    timer_node* pop_timer() noexcept;
    void place(std::size_t at, timer_node* timer) noexcept;
    void sift_up(std::size_t at) noexcept;
    void sift_down(std::size_t at) noexcept;
};

}  // namespace berth::detail
