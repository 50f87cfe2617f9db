// A shard's part of a server: its timers, its sessions, and the write queues that wait for the end of a turn.
#include "server/callback_reader.hpp"
#include "server/server_parts.hpp"
#include "server/session_queue.hpp"

#include <utility>

namespace berth::detail {

server_shard::server_shard(shared_core& c, const shard_place& place, std::size_t i)
    : core(c),
      loop(*place.loop),
      context(*place.context),
      index(i),
      wheel(c.options),
      tick_timer_(*this, [](server_shard& s) { s.tick(); }),
      retry_timer_(*this, [](server_shard& s) { s.try_again(); }),
      stop_timer_(*this, [](server_shard& s) { s.cut_all(); }),
      delay_(10) {
    room_.shard = this;
    room_.run = [](ready_node& node, bool invoke) {
        auto& self = static_cast<room_node&>(node);
        const auto kept = std::move(self.kept);
        self.state.store(not_waiting);
        if (invoke) self.shard->try_again();
    };
    flush_.shard = this;
    flush_.run = flush;
}

// A session that reads by itself has its reader behind it, in the same block.
std::size_t server_shard::session_size() const noexcept {
    return sizeof(session) + (core.hooks.received != nullptr ? sizeof(callback_reader) : 0);
}

void server_shard::session_opened() noexcept {
    if (sessions_++ == 0) kept_ = core.shared_from_this();
    if (!wheel.has_deadlines() || tick_timer_.is_set()) return;
    next_tick_ = std::chrono::steady_clock::now() + core.options.tick;
    tick_timer_.set(next_tick_);
}

void server_shard::session_ended(const session& s) noexcept {
    shard_books::add(books.ended);
    if (s.has_address_key_) core.addresses.leave(s.address_key_);
    core.leave();
    core.wake_those_that_wait();
    report_if_stopped(false);
}

void server_shard::session_destroyed(session& s) noexcept {
    deadline_wheel::remove(s);
    s.~session();
    loop.deallocate(&s, session_size());
    if (--sessions_ != 0) return;
    const auto kept = std::move(kept_);  // may be the last
    tick_timer_.cancel();
}

// Where the shard was late it does not catch up: nobody ends for it.
void server_shard::tick() noexcept {
    const auto now = std::chrono::steady_clock::now();
    next_tick_ += core.options.tick;
    if (next_tick_ < now) next_tick_ = now + core.options.tick;
    tick_timer_.set(next_tick_);
    wheel.tick([](session& s, connection_end why) { s.close(why, why == connection_end::write); });
}

void server_shard::flush_later(session_queue& queue) noexcept {
    queue.next_to_flush = std::exchange(flush_.first, &queue);
    if (std::exchange(flush_.is_posted, true)) return;
    loop.post(flush_);
}

void server_shard::flush(ready_node& node, bool invoke) {
    auto& self = static_cast<flush_node&>(node);
    self.is_posted = false;
    session_queue* queue = std::exchange(self.first, nullptr);
    while (queue != nullptr) std::exchange(queue, queue->next_to_flush)->flush(invoke);
}

}  // namespace berth::detail
