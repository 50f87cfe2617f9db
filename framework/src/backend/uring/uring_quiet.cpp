// Calling off all that the kernel has: of one socket, before others may use its memory; and of all, at the end.
//
// What the kernel does not have ends at once. The rest is cancelled, and the last result of each is waited for until
// it is seen in the queue; it stays there, and next() gives the aborted error in its stead.
#include "backend/uring/uring_backend.hpp"

#include "platform/fork_stamp.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

namespace berth::detail {
namespace {

constexpr __kernel_timespec moment{0, 10'000'000};

bool is_last_of(const ring_result& r, const operation& op) noexcept {
    return r.user_data == tag::of(op) && (r.flags & IORING_CQE_F_MORE) == 0;
}

}  // namespace

bool uring_backend::has_last(const operation& op) const noexcept {
    for (std::size_t i = next_stashed_; i < stashed_.size(); ++i) {
        if (is_last_of(stashed_[i], op)) return true;
    }
    const std::uint32_t count = ring_.results();
    for (std::uint32_t i = 0; i < count; ++i) {
        if (is_last_of(ring_.result(i), op)) return true;
    }
    return false;
}

void uring_backend::mark_last(const ring_result& r) noexcept {
    if (!tag::is_operation(r.user_data)) return;
    if ((r.flags & IORING_CQE_F_BUFFER) != 0) buffers_.taken(r.flags >> IORING_CQE_BUFFER_SHIFT);
    if ((r.flags & IORING_CQE_F_MORE) == 0) set_mark(tag::operation_of(r.user_data), mark::last_seen);
}

void uring_backend::mark_all_last() noexcept {
    for (std::size_t i = next_stashed_; i < stashed_.size(); ++i) mark_last(stashed_[i]);
    const std::uint32_t count = ring_.results();
    for (std::uint32_t i = 0; i < count; ++i) mark_last(ring_.result(i));
}

void uring_backend::quiet(attachment& socket) noexcept {
    come_apart();
    drop_ahead(socket);
    // Those that wait for their turn first, or the end of one would begin the next.
    for (operation* op = socket.first; op != nullptr; op = op->next) {
        if (place_of(*op) == place::queued) end_in_memory(*op);
    }
    for (operation* op = socket.first; op != nullptr; op = op->next) {
        if (place_of(*op) == place::ended) {
            op->outcome = aborted_result();
        } else if (!end_in_memory(*op)) {
            set_mark(*op, mark::quieted);
        }
    }
    for (;;) {
        const std::uint32_t results = ring_.is_open() ? ring_.results() : 0;
        const std::uint32_t count = ask_for_quiet(socket);
        if (count == 0) return;
        if (!ring_.is_here()) return leave_ring();
        wait_for(results + count);
    }
}

// How many the kernel still has, each of which was told.
std::uint32_t uring_backend::ask_for_quiet(attachment& socket) noexcept {
    std::uint32_t count = 0;
    for (operation* op = socket.first; op != nullptr; op = op->next) {
        if (place_of(*op) != place::kernel || is_marked(*op, mark::last_seen)) continue;
        if (has_last(*op)) {
            set_mark(*op, mark::last_seen);
            continue;
        }
        ++count;
        if (ring_.is_here()) stop(*op);
    }
    return count;
}

void uring_backend::stop(operation& op) noexcept {
    if (ring_.can_cancel_now()) {
        ring_.cancel_now(tag::of(op));
    } else if (::io_uring_sqe* const entry = slot_at_once()) {
        prepare_cancel(op, *entry);
    }
}

// Older kernels cancel by submission only.
::io_uring_sqe* uring_backend::slot_at_once() noexcept {
    if (::io_uring_sqe* const entry = ring_.slot()) return entry;
    ring_.enter(0, nullptr);
    return ring_.slot();
}

// Or for a moment. Some may have come since they were counted.
void uring_backend::wait_for(std::uint32_t results) noexcept {
    if (ring_.is_overflown() || results > ring_.most_results()) {
        results -= std::min(results, ring_.results());
        stash();
    }
    results = std::min(results, ring_.most_results());
    ring_.can_cancel_now() ? ring_.gather(results, &moment) : ring_.enter(results, &moment);
}

template <class Function>
void uring_backend::for_each_submitted(const Function& f) noexcept {
    for (attachment* s = attached(); s != nullptr; s = s->next) {
        for (operation* op = s->first; op != nullptr; op = op->next) {
            if (place_of(*op) != place::kernel || is_marked(*op, mark::last_seen)) continue;
            if (ring_.unsubmitted(op->number, tag::of(*op)) == nullptr) f(*op);
        }
    }
}

void uring_backend::stop_all() noexcept {
    for (std::uint32_t before = 0;;) {
        mark_all_last();
        const std::uint32_t results = ring_.results();
        std::uint32_t count = 0;
        for_each_submitted([&](operation&) { ++count; });
        if (count == 0) return;
        if (before == 0 || count == before) for_each_submitted([&](operation& op) { stop(op); });
        before = count;
        wait_for(results + count);
    }
}

// Fetched, and not handed out: no more results than that.
void uring_backend::drop_ahead(const attachment& socket) noexcept {
    if (ahead_.op == nullptr || ahead_.op->socket != &socket) return;
    operation& op = *ahead_.op;
    if (op.what == verb::accept && ahead_.result >= 0) ::close(ahead_.result);
    if (ahead_.more && op.what == verb::receive) return_buffer(ahead_.lent_id);
    if (ahead_.more) {
        ahead_ = {};
    } else {
        ahead_.result = aborted_result();
    }
}

// A forked child's copies: what its parent began is aborted here and goes on there. The queues are shared memory, and
// whoever takes results off them takes them from the parent; so the ring goes unread, and what wakes it is the
// child's own.
void uring_backend::leave_to_parent() noexcept {
    process_ = platform::fork_stamp();
    if (ahead_.op != nullptr) drop_ahead(*ahead_.op->socket);
    stashed_.clear();
    next_stashed_ = 0;
    forget_cancellations();
    operation_list doomed;
    for (attachment* s = attached(); s != nullptr; s = s->next) {
        for (operation* op = s->first; op != nullptr; op = op->next) {
            if (place_of(*op) == place::queued) end_in_memory(*op);
        }
        for (operation* op = s->first; op != nullptr; op = op->next) {
            if (place_of(*op) == place::kernel) {
                clear_mark(*op, mark::last_seen | mark::quieted | mark::by_poll);
                --in_kernel_;
                doomed.push_back(*op);
            } else {
                end_in_memory(*op);
            }
        }
    }
    ring_.let_go();
    is_deaf_ = true;
    while (operation* const op = doomed.pop_front()) {
        end(*op, aborted_result());
        leave(*op);
    }
    for (const int shared : {ear_, bell_.load()}) {
        const int own = shared >= 0 ? ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
        if (own < 0) continue;
        ::dup3(own, shared, O_CLOEXEC);
        ::close(own);
    }
}

// A forked child only lets go. Where the ring is another thread's, that one has rested: nothing goes on.
uring_backend::~uring_backend() {
    if (process_ == platform::fork_stamp() && ring_.is_open()) {
        if (ring_.is_here()) stop_all();
        if (ahead_.op != nullptr) drop_ahead(*ahead_.op->socket);
        stash();
        for (std::size_t i = next_stashed_; i < stashed_.size(); ++i) {
            if (tag::is_operation(stashed_[i].user_data)) drop(tag::operation_of(stashed_[i].user_data), stashed_[i]);
        }
    }
    ring_.close();
    if (ear_ >= 0) ::close(ear_);
    if (bell_ >= 0) ::close(bell_);
    for (attachment* s = attached(); s != nullptr; s = s->next) s->home = nullptr;
}

}  // namespace berth::detail
