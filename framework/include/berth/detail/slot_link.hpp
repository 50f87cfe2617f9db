// The way from a handler's cancellation slot to its operation.
//
// Signals come where the handler lives. Where that is the loop itself, so does the end: the slot knows the operation
// until then. Anywhere else a signal may come while the loop ends the operation: there the slot knows a link, which
// may outlive it, and the loop is asked to cancel what is there yet.
#pragma once

#include <berth/detail/event_loop.hpp>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/cancellation_type.hpp>

#include <atomic>
#include <memory>
#include <new>
#include <utility>

namespace berth::detail {

/// What a loop is asked to do in a turn that counts for nobody.
template <class Function>
struct asked_function : ready_node {
    event_loop& loop;
    Function function;

    asked_function(event_loop& l, Function f) : loop(l), function(std::move(f)) {
        run = [](ready_node& node, bool invoke) {
            auto& self = static_cast<asked_function&>(node);
            event_loop& here = self.loop;
            Function mine(std::move(self.function));
            self.~asked_function();
            here.deallocate(&self, sizeof(asked_function));
            if (invoke) mine();
            here.was_no_handler();
        };
    }
    static void ask(event_loop& loop, Function f) {
        loop.post(*new (loop.allocate(sizeof(asked_function))) asked_function(loop, std::move(f)));
    }
};

/// Calls `cancel` where the signal comes. False: the handler has no slot.
template <class Handler, class Cancel>
bool cancel_by_slot(const Handler& handler, Cancel cancel) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (!slot.is_connected()) return false;
    slot.assign([cancel](asio::cancellation_type type) {
        constexpr auto any =
            asio::cancellation_type::terminal | asio::cancellation_type::partial | asio::cancellation_type::total;
        if ((type & any) != asio::cancellation_type::none) cancel();
    });
    return true;
}

class slot_link {
public:
    /// `cancel` is called on the loop (near: where the signal comes) until forget(). Pre: once.
    template <class Handler, class Cancel>
    void listen(const Handler& handler, event_loop& loop, bool is_near, Cancel cancel) {
        if (is_near) {
            is_near_ = cancel_by_slot(handler, cancel);
            return;
        }
        if (!asio::get_associated_cancellation_slot(handler).is_connected()) return;
        over_ = std::make_shared<std::atomic<bool>>(false);
        cancel_by_slot(handler, [over = over_, &loop, cancel] {
            if (over->load(std::memory_order_acquire)) return;
            auto if_there = [over, cancel] {
                if (!over->load(std::memory_order_relaxed)) cancel();
            };
            asked_function<decltype(if_there)>::ask(loop, if_there);
        });
    }
    /// On the loop. Post: the operation may be destroyed.
    template <class Handler>
    void forget(const Handler& handler) noexcept {
        if (is_near_) asio::get_associated_cancellation_slot(handler).clear();
        if (over_) over_->store(true, std::memory_order_release);
    }

private:
    std::shared_ptr<std::atomic<bool>> over_;  // true: it is over
    bool is_near_ = false;
};

}  // namespace berth::detail
