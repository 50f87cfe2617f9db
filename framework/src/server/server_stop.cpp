// How a server's shard stops: no new connections, word to the handlers, and an end to those who do not end.
#include "server/callback_reader.hpp"
#include "server/server_parts.hpp"
#include "server/session_queue.hpp"

#include <algorithm>
#include <utility>

namespace berth::detail {

void server_shard::close_listeners() noexcept {
    retry_timer_.cancel();
    for (auto* listener : std::exchange(listeners_, {})) listener->close();
    core.listeners_closed(*this);
}

// An accept that is called off may have brought somebody already, who is ours then.
void server_shard::listener_disarmed() noexcept {
    if (is_leaving_ && !is_stopping) begin_stop(stop_deadline_);
}

void server_shard::begin_stop(std::chrono::steady_clock::time_point deadline) noexcept {
    if (!is_stopping && core.is_leaving()) {
        stop_deadline_ = is_leaving_ ? std::min(deadline, stop_deadline_) : deadline;
        is_leaving_ = true;
        bool has_ended = true;
        for (auto* listener : listeners_) has_ended = listener->disarm() && has_ended;
        if (!has_ended) return;
        deadline = stop_deadline_;
    }
    if (!std::exchange(is_stopping, true)) {
        close_listeners();
        session_queue::complete_all(loop, stop_waits, false);
        wheel.visit_all([](session& s) { s.stop_begins(); });
    }
    if (has_reported_) return;
    report_if_stopped(false);
    if (has_reported_) return;
    if (deadline <= std::chrono::steady_clock::now()) return cut_all();
    if (!stop_timer_.is_set() || deadline < stop_deadline_) {
        stop_deadline_ = deadline;
        stop_timer_.set(deadline);
    }
}

void server_shard::cut_all() noexcept {
    wheel.visit_all([](session& s) { s.close(connection_end::cut); });
    report_if_stopped(true);
}

void server_shard::report_if_stopped(bool in_any_case) noexcept {
    if (!is_stopping || has_reported_) return;
    const bool all_ended = books.accepted.load(std::memory_order_relaxed) == books.ended.load(std::memory_order_relaxed);
    if (!all_ended && !in_any_case) return;
    has_reported_ = true;
    stop_timer_.cancel();
    core.shard_stopped(!all_ended || books.cut.load(std::memory_order_relaxed) != 0);
}

void server_shard::end() noexcept {
    if (!std::exchange(is_stopping, true)) close_listeners();
    session_queue::complete_all(loop, stop_waits, true);
    cut_all();
    tick_timer_.cancel();
}

}  // namespace berth::detail
