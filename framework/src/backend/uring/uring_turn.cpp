// A turn of the backend on io_uring: what was prepared is handed over, and results are waited for, in one call.
//
// The ring belongs to the thread that enters it. When another takes over (contract: the first has rested), the old
// ring is left: under deferred work the kernel does nothing for it while nobody is inside, so what had no result yet
// is submitted anew to the ring of the new thread, and the old one is closed.
#include "backend/uring/uring_backend.hpp"

#include <poll.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <new>
#include <utility>

namespace berth::detail {
namespace {

constexpr std::uint32_t most_at_once = 32;

}  // namespace

void uring_backend::wait(clock::time_point until) noexcept {
    at_once_left_ = most_at_once;
    come_apart();
    if (!begin()) return doze(until);
    silence_bell();
    const bool has_result = find();
    hand_over();
    const bool is_woken = take_wake();  // the ear may have been renewed, and have heard something before
    if (!is_woken && !has_result && until != clock::time_point::min()) return sleep(until);
    // What comes after the bell was silenced rings it again; what came before shows now.
    do {
        if (ring_.has_work()) ring_.enter(0, nullptr);
    } while (silence_bell() && ring_.has_work());
}

void uring_backend::sleep(clock::time_point until) noexcept {
    for (;;) {
        __kernel_timespec left{};
        const bool is_for_ever = until == clock::time_point::max();
        if (!is_for_ever) {
            const auto now = clock::now();
            if (until <= now) {
                if (ring_.has_work()) ring_.enter(0, nullptr);
                return;
            }
            const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(until - now).count();
            left = {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
        }
        const int answer = ring_.enter(1, is_for_ever ? nullptr : &left);
        if (find() || take_wake() || answer == -ETIME) return;
        if (answer == -EAGAIN || answer == -EBUSY || answer == -ENOMEM) {
            // The kernel has no memory to take what was prepared, or for what it keeps of a thread at its first call.
            const __kernel_timespec moment{0, 1'000'000};
            if (ring_.gather(1, &moment) == -ENOMEM) ::poll(nullptr, 0, 1);
        } else if (answer < 0 && answer != -EINTR) {
            assert(false && "the ring cannot be entered");
            return;
        }
        hand_over();
        if (take_wake()) return;
    }
}

// The ring of this thread could not be made; it will be tried again.
void uring_backend::doze(clock::time_point until) noexcept {
    const auto now = clock::now();
    if (!ended_.empty() || ahead_.op != nullptr || until <= now) return;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
    ::pollfd ear{ear_, POLLIN, 0};
    ::poll(&ear, 1, static_cast<int>(std::min<std::int64_t>(left, 100)));
}

bool uring_backend::begin() noexcept {
    if (ring_.is_here()) return true;
    if (ring_.has_begun()) leave_ring();
    int error = ring_.is_open() ? 0 : open_ring();
    if (error == 0) error = ring_.begin();
    if (error == 0 && bell_ >= 0) error = ring_.report_to(bell_);
    if (error == 0) return true;
    while (operation* const op = backlog_.first()) {
        backlog_.remove(*op);
        end(*op, error);
        leave(*op);
    }
    return false;
}

bool uring_backend::find() noexcept { return ahead_.op != nullptr || !ended_.empty() || fetch(ahead_); }

bool uring_backend::take_wake() noexcept {
    if (!is_woken_) return false;
    is_woken_ = false;
    is_wake_pending_.exchange(false);
    return true;
}

// More than fits is handed over as long as the results of it do; what is left over has its turn after those.
void uring_backend::hand_over() noexcept {
    while (!fill_queue()) {
        if (ring_.enter(0, nullptr) < 0 || ring_.results() >= ring_.most_results() / 2) return;
    }
}

// False: the queue is full, and there is more.
bool uring_backend::fill_queue() noexcept {
    if (is_deaf_) {
        ::io_uring_sqe* const entry = ring_.slot();
        if (entry == nullptr) return false;
        prepare_ear(*entry);
    }
    if (has_buffers_back_ && !starved_.empty()) {
        has_buffers_back_ = false;
        operation_list hungry = std::exchange(starved_, {});
        while (operation* const op = hungry.pop_front()) submit(*op);
    }
    while (operation* const op = cancels_.first()) {
        ::io_uring_sqe* const entry = ring_.slot();
        if (entry == nullptr) return false;
        cancels_.remove(*op);
        clear_mark(*op, mark::listed);
        prepare_cancel(*op, *entry);
        told_.push_back(*op);
        set_mark(*op, mark::told);
    }
    while (operation* const op = backlog_.first()) {
        ::io_uring_sqe* const entry = ring_.slot();
        if (entry == nullptr) return false;
        backlog_.remove(*op);
        prepare(*op, *entry);
    }
    return true;
}

// What the kernel has begun to fill and will go on with is lost if the ring is left: such operations are stopped.
void uring_backend::rest() noexcept {
    come_apart();
    if (!ring_.is_open() || !ring_.is_here()) return;
    if (!ring_.is_deferred() || waiting_for_all_ != 0) {
        stop_all();
        ring_bell();  // nothing else would: they begin again with the next look
    }
    while (ring_.is_overflown() && stash()) ring_.gather(0, nullptr);
    ring_.rest();
}

// Off the queue, so that there is room for more.
bool uring_backend::stash() noexcept {
    const std::uint32_t count = ring_.results();
    try {
        stashed_.reserve(stashed_.size() + count);
    } catch (const std::bad_alloc&) {
        return false;
    }
    for (std::uint32_t i = 0; i < count; ++i) stashed_.push_back(ring_.result(i));
    ring_.forget(count);
    return true;
}

void uring_backend::leave_ring() noexcept {
    stash();
    mark_all_last();
    forget_cancellations();
    operation_list doomed;
    for (attachment* s = attached(); s != nullptr; s = s->next) {
        for (operation* op = s->first; op != nullptr; op = op->next) {
            if (place_of(*op) != place::kernel || is_marked(*op, mark::last_seen)) continue;
            --in_kernel_;
            if (is_marked(*op, mark::cancelled | mark::quieted)) {
                doomed.push_back(*op);
                continue;
            }
            const bool has_begun = ring_.unsubmitted(op->number, tag::of(*op)) == nullptr;
            if (op->what == verb::connect && has_begun) set_mark(*op, mark::by_poll);
            put_at(*op, place::backlog);
            backlog_.push_back(*op);
        }
    }
    ring_.close();
    is_deaf_ = true;
    while (operation* const op = doomed.pop_front()) {
        end(*op, aborted_result());
        leave(*op);
    }
}

}  // namespace berth::detail
