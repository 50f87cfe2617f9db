// Who may touch a loop, and how other threads have things done there.
//
// A thread that finds a loop without an owner becomes it for as long as it needs; one that finds it running hands its
// request over and waits. Both happen under the gate, as does the end of an ownership, so no request is left behind.
#include "backend/loop_parts.hpp"

namespace berth::detail {

loop_parts::ownership::ownership(event_loop& loop, bool runs) noexcept : loop_(loop), was_owner_(loop.is_here()) {
    if (was_owner_) {
        is_owner_ = true;
        return;
    }
    loop_parts& parts = *loop.parts_;
    std::unique_lock lock(parts.gate);
    for (;;) {
        const void* nobody = nullptr;
        is_owner_ = loop.owner_.compare_exchange_strong(nobody, event_loop::this_thread_mark());
        if (is_owner_ || !runs || parts.is_run) break;
        parts.served.wait(lock);  // whoever it is came for a moment only
    }
    if (is_owner_) parts.is_run = runs;
}

loop_parts::ownership::~ownership() {
    if (!is_owner_ || was_owner_) return;
    loop_parts& parts = *loop_.parts_;
    parts.engine->rest();
    for (;;) {
        parts.serve_requests();
        const std::lock_guard lock(parts.gate);
        if (parts.requests != nullptr) continue;
        parts.is_run = false;
        loop_.owner_.store(nullptr);
        parts.served.notify_all();
        return;
    }
}

void loop_parts::hand_over(event_loop& loop, void (*call)(void*) noexcept, void* object) noexcept {
    loop_parts& parts = *loop.parts_;
    request mine{call, object};
    std::unique_lock lock(parts.gate);
    while (!mine.done) {
        if (loop.owner_.load() == nullptr) {  // it left between our look and the gate
            loop.owner_.store(event_loop::this_thread_mark());
            lock.unlock();
            call(object);
            if (parts.is_embedded.load()) parts.show_due(), parts.engine->wake();
            parts.engine->rest();
            lock.lock();
            loop.owner_.store(nullptr);
            parts.served.notify_all();
            return;
        }
        mine.next = parts.requests;
        parts.requests = &mine;
        parts.has_requests.store(true);
        parts.wake_if_asleep();
        parts.served.wait(lock, [&] { return mine.done; });
    }
}

void loop_parts::serve_requests() noexcept {
    if (!has_requests.load()) return;
    std::unique_lock lock(gate);
    while (requests != nullptr) {
        request* const first = requests;
        requests = first->next;
        lock.unlock();
        first->call(first->object);
        lock.lock();
        first->done = true;
        served.notify_all();
    }
    has_requests.store(false);
}

}  // namespace berth::detail
