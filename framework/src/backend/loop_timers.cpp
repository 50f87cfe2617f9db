// The timers of a loop: a binary heap whose nodes know their place, so that one is taken out without a search.
#include "backend/loop_parts.hpp"

namespace berth::detail {

void loop_parts::place(std::size_t at, timer_node* timer) noexcept {
    heap[at] = timer;
    timer->place = at;
}

void loop_parts::sift_up(std::size_t at) noexcept {
    timer_node* const timer = heap[at];
    for (; at > 0 && timer->due < heap[(at - 1) / 2]->due; at = (at - 1) / 2) place(at, heap[(at - 1) / 2]);
    place(at, timer);
}

void loop_parts::sift_down(std::size_t at) noexcept {
    timer_node* const timer = heap[at];
    for (std::size_t child; (child = 2 * at + 1) < heap.size(); at = child) {
        if (child + 1 < heap.size() && heap[child + 1]->due < heap[child]->due) ++child;
        if (timer->due <= heap[child]->due) break;
        place(at, heap[child]);
    }
    place(at, timer);
}

void loop_parts::add_timer(timer_node& timer) {
    heap.push_back(&timer);
    sift_up(heap.size() - 1);
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

// A timer counts as work from here until it ran, or was removed.
void event_loop::add(timer_node& timer) noexcept {
    loop_parts::perform(*this, [&]() noexcept {
        parts_->add_work_here(1);
        parts_->add_timer(timer);
    });
}

bool event_loop::remove(timer_node& timer) noexcept {
    bool removed = false;
    loop_parts::perform(*this, [&]() noexcept {
        removed = parts_->remove_timer(timer);
        if (removed) parts_->add_work_here(-1);
    });
    return removed;
}

}  // namespace berth::detail
