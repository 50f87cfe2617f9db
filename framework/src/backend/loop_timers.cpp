// The timers of a loop: a binary heap whose nodes know their place, so that one is taken out without a search.
#include "backend/loop_parts.hpp"

#include <new>

namespace berth::detail {
namespace {

bool is_before(const timer_node& a, const timer_node& b) noexcept {
    return a.due != b.due ? a.due < b.due : a.order < b.order;
}

}  // namespace

void loop_parts::place(std::size_t at, timer_node* timer) noexcept {
    heap[at] = timer;
    timer->place = at;
}

void loop_parts::sift_up(std::size_t at) noexcept {
    timer_node* const timer = heap[at];
    for (; at > 0 && is_before(*timer, *heap[(at - 1) / 2]); at = (at - 1) / 2) place(at, heap[(at - 1) / 2]);
    place(at, timer);
}

void loop_parts::sift_down(std::size_t at) noexcept {
    timer_node* const timer = heap[at];
    for (std::size_t child; (child = 2 * at + 1) < heap.size(); at = child) {
        if (child + 1 < heap.size() && is_before(*heap[child + 1], *heap[child])) ++child;
        if (!is_before(*heap[child], *timer)) break;
        place(at, heap[child]);
    }
    place(at, timer);
}

// False: there is no memory for its place.
bool loop_parts::add_timer(timer_node& timer) noexcept {
    try {
        heap.push_back(&timer);
    } catch (const std::bad_alloc&) {
        return false;
    }
    timer.order = timers_added++;
    add_work_here(1);
    sift_up(heap.size() - 1);
    return true;
}

bool loop_parts::remove_timer(timer_node& timer) noexcept {
    const std::size_t at = timer.place;
    if (at == timer_node::npos) return false;
    timer_node* const last = heap.back();
    heap.pop_back();
    timer.place = timer_node::npos;
    if (last == &timer) return true;
    place(at, last);
    sift_up(at);
    sift_down(last->place);
    return true;
}

timer_node* loop_parts::pop_timer() noexcept {
    timer_node* const first = heap.front();
    remove_timer(*first);
    return first;
}

bool loop_parts::end_timer(timer_node& timer) noexcept {
    if (!remove_timer(timer)) return false;
    timer.is_cancelled = true;
    ready.push(timer);
    return true;
}

// A timer counts as work from here until it ran.
void event_loop::add(timer_node& timer, timer_list& list) {
    bool is_in = false;
    loop_parts::perform(*this, [&]() noexcept {
        is_in = parts_->add_timer(timer);
        if (is_in) timer.enter(list);
    });
    if (!is_in) throw std::bad_alloc();
}

void event_loop::add(timer_node& timer) {
    bool is_in = false;
    loop_parts::perform(*this, [&]() noexcept { is_in = parts_->add_timer(timer); });
    if (!is_in) throw std::bad_alloc();
}

bool event_loop::remove(timer_node& timer) noexcept {
    bool removed = false;
    loop_parts::perform(*this, [&]() noexcept {
        removed = parts_->remove_timer(timer) || parts_->ready.take_out(timer);  // due, and not run yet
        if (removed) parts_->add_work_here(-1);
    });
    return removed;
}

void event_loop::cancel(timer_node& timer) noexcept {
    loop_parts::perform(*this, [&]() noexcept { parts_->end_timer(timer); });
}

std::size_t event_loop::cancel(timer_list& list, std::size_t most) noexcept {
    if (list.first.load(std::memory_order_acquire) == nullptr) return 0;
    std::size_t count = 0;
    loop_parts::perform(*this, [&]() noexcept {
        while (timer_node* const timer = count < most ? list.first.load(std::memory_order_relaxed) : nullptr) {
            timer->leave();
            if (parts_->end_timer(*timer)) ++count;
        }
    });
    return count;
}

}  // namespace berth::detail
