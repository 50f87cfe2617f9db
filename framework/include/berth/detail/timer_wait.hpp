// A wait of a timer, or for something that has no time: linked, so that whatever it waits for finds it.
#pragma once

#include <berth/detail/event_loop.hpp>

namespace berth::detail {

/// Waits of one timer, linked; they may outlive the timer, but not their handlers' turns.
struct timer_wait : timer_node {
    timer_wait* next = nullptr;
    timer_wait** link = nullptr;  ///< what points here; nullptr: in no list
    bool is_cancelled = false;

    void enter(timer_wait*& list) noexcept {
        next = list;
        link = &list;
        if (next != nullptr) next->link = &next;
        list = this;
    }
    void leave() noexcept {
        if (link == nullptr) return;
        *link = next;
        if (next != nullptr) next->link = link;
        link = nullptr;
    }
};

}  // namespace berth::detail
