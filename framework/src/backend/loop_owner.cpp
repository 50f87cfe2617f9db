// Who may touch a loop, and how other threads have things done there.
//
// A thread that finds a loop without an owner becomes it for as long as it needs; one that finds it running hands its
// request over and waits. Both happen under the gate, as does the end of an ownership, so no request is left behind.
// run() waits for an owner of the first kind, and is refused by one that is inside run(). Who waits for one loop
// serves the requests to its own meanwhile, so two loops may close each other's sockets.
#include "backend/loop_parts.hpp"

namespace berth::detail {
namespace {

constexpr std::chrono::milliseconds between_looks_at_own_requests{1};

}  // namespace

constinit thread_local loop_parts::ownership* loop_parts::ownership::innermost_ = nullptr;

loop_parts::ownership::ownership(event_loop& loop, purpose what) noexcept
    : loop_(loop), was_owner_(loop.is_here()), is_owner_(was_owner_) {
    if (was_owner_) return;
    loop_parts& parts = *loop.parts_;
    parts.come_apart(loop);
    std::unique_lock lock(parts.gate);
    if (what == purpose::run) {
        parts.served.wait(lock, [&] { return loop.owner_.load() == nullptr || parts.is_run; });
    }
    if (loop.owner_.load() != nullptr) return;
    loop.owner_.store(event_loop::this_thread_mark());
    parts.is_run = what == purpose::run;
    enter();
}

void loop_parts::come_apart(event_loop& loop) noexcept {
    if (process == platform::fork_stamp()) return;
    process = platform::fork_stamp();
    if (loop.is_here()) return;
    loop.owner_.store(nullptr);
    is_run = false;
    requests = nullptr;
    has_requests.store(false);
    visitors.store(0);
}

void loop_parts::ownership::enter() noexcept {
    is_owner_ = true;
    outer_ = std::exchange(innermost_, this);
}

loop_parts::ownership::~ownership() {
    if (!is_owner_ || was_owner_) return;
    loop_parts& parts = *loop_.parts_;
    for (;;) {
        parts.serve_requests();
        parts.engine->rest();
        const std::lock_guard lock(parts.gate);
        if (parts.requests != nullptr) continue;
        innermost_ = outer_;
        parts.is_run = false;
        loop_.owner_.store(nullptr);
        parts.served.notify_all();
        return;
    }
}

void loop_parts::ownership::serve_all() noexcept {
    for (ownership* own = innermost_; own != nullptr; own = own->outer_) own->loop_.parts_->serve_requests();
}

void loop_parts::hand_over(event_loop& loop, void (*call)(void*) noexcept, void* object) noexcept {
    loop_parts& parts = *loop.parts_;
    const visit until_done(parts);
    request mine{call, object};
    for (;;) {
        if (const ownership here(loop, purpose::perform); here) {  // it left meanwhile
            call(object);
            return parts.leave(here);
        }
        std::unique_lock lock(parts.gate);
        if (loop.owner_.load() == nullptr) continue;
        mine.next = parts.requests;
        parts.requests = &mine;
        parts.has_requests.store(true);
        parts.wake_if_asleep();
        while (!mine.done) {
            if (!ownership::is_any_here()) {
                parts.served.wait(lock);
            } else if (parts.served.wait_for(lock, between_looks_at_own_requests); !mine.done) {
                lock.unlock();
                ownership::serve_all();
                lock.lock();
            }
        }
        return;
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
