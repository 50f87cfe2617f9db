// What must hold after each step, and what must have happened once the loops had time.
#include "simulation/serving_world.hpp"

#include "simulation/virtual_clock.hpp"

#include <algorithm>

namespace berth::simulation {

using namespace std::chrono_literals;

std::string serving_world::check() {
    if (!ledger_.broken().empty()) return ledger_.broken();
    if (!chances_.complaint.empty()) return chances_.complaint;
    if (kernel_.has_complaints()) return "complaint: " + kernel_.complaints().front();
    for (auto& t : talks_) {
        if (t.stream->is_garbled) return "bytes: a client hears what was not written, or not in its turn";
        if (t.stream->taken > t.written) return "bytes: a client hears more than was written";
        if (!t.was_opened || t.is_counted) continue;
        if (auto broke = check_deadlines(t); !broke.empty()) return broke;
        note_end(t);
    }
    for (auto& v : services_) {
        if (v.stops_under_way != 0 && clock::now() > v.stops_by + 1ms)
            return "stop: its deadline is over, and nobody is told";
        if (auto broke = check_books(v); v.running && !broke.empty()) return broke;
        if (!v.running) continue;
        const auto s = v.running->statistics();
        const auto backoffs = s.accept_backoffs;
        reached_(serving_mark::refused_by_limit,
                 s.refused_by_limit - std::exchange(v.refused[0], s.refused_by_limit));
        reached_(serving_mark::refused_by_address,
                 s.refused_by_address - std::exchange(v.refused[1], s.refused_by_address));
        if (backoffs != v.backoffs) v.backed_off = clock::now(), reached_(serving_mark::backed_off);
        v.backoffs = backoffs;
    }
    if (auto broke = check_pool(rooms_); !broke.empty()) return broke;
    return check_pool(doors_);
}

// A connection ends between its deadline and two ticks later, never before; time in which nobody looked does not
// count.
std::string serving_world::check_deadlines(const talk& t) const {
    const auto& o = t.by->options;
    const auto now = clock::now();
    const clock::time_point taken{std::chrono::nanoseconds(t.stream->taken_at)};
    const auto heard_of = std::max({t.opened_at, t.active, taken});
    const connection& c = *t.handle;
    if (!c.is_open()) {
        // What the system took while nobody looked may be heard of after the tick that ends the connection.
        if (t.late != 0ms && (c.end() == connection_end::write || c.end() == connection_end::idle)) return {};
        if (c.end() == connection_end::first_byte && (t.heard != 0 || now - t.opened_at < o.first_byte))
            return "deadline: first byte, too early";
        if (c.end() == connection_end::idle && now - heard_of < o.idle) return "deadline: idle, too early";
        if (c.end() == connection_end::total && now - t.opened_at < o.total) return "deadline: total, too early";
        if (c.end() == connection_end::write && now - std::max(t.progress, taken) < o.write)
            return "deadline: write, too early";
        return {};
    }
    const auto is_late = [&](clock::duration limit, clock::time_point since) {
        return limit != 0ms && now - t.late > since + limit + 2 * o.tick;
    };
    if (is_late(o.total, t.opened_at)) return "deadline: total, and the connection lives";
    if (t.is_finished || t.has_ended) return {};
    if (t.heard == 0 && is_late(o.first_byte, t.opened_at)) return "deadline: first byte, and the connection lives";
    if (is_late(o.idle, heard_of)) return "deadline: idle, and the connection lives";
    if (c.queued() != 0 && is_late(o.write, std::max(t.progress, taken)))
        return "deadline: write, and the connection lives";
    return {};
}

// A connection that is closed, and whose handler has ended.
void serving_world::note_end(talk& t) {
    const connection& c = *t.handle;
    if (c.is_open() || !t.has_ended) return;
    t.why = c.end();
    t.is_counted = true;
    ++t.by->ended;
    constexpr serving_mark told[] = {
        serving_mark::finished,      serving_mark::finished, serving_mark::aborted,
        serving_mark::first_byte,    serving_mark::idle,     serving_mark::total,
        serving_mark::write_timeout, serving_mark::cut,      serving_mark::handler_failed};
    reached_(told[static_cast<std::size_t>(t.why)]);
    note(static_cast<std::uint64_t>(t.why));
    if (!t.stream->was_reset) break_rule("closed: and the socket is open");
    const bool got_all = t.stream->taken == t.written;
    if (t.why == connection_end::finished && !got_all && !t.stream->is_cut) {
        break_rule("closed: a client that did not get all hears a proper end");
    }
    t.handle.reset();
}

std::string serving_world::check_books(const service& v) const {
    if (!v.running) return {};
    const auto s = v.running->statistics();
    if (s.accepted != v.opened)
        return "books: accepted " + std::to_string(s.accepted) + ", and " + std::to_string(v.opened) + " were opened";
    if (s.accepted != s.active + s.ended) return "books: accepted is not active and ended";
    if (s.bytes_in < v.bytes_in) return "books: fewer bytes in than were received";
    std::uint64_t cut = 0, taken = 0, counted = 0, failures = 0;
    for (const auto& t : talks_) {
        if (t.by != &v || !t.was_opened) continue;
        taken += t.stream->taken;
        counted += t.is_counted;
        cut += t.is_counted && t.why == connection_end::cut;
        failures += t.is_counted && t.why == connection_end::failure;
    }
    if (s.bytes_out > taken) return "books: more bytes out than the system took";
    if (s.ended < counted && !v.by_coroutine) return "books: fewer have ended than handlers know of";
    if (s.cut < cut) return "books: fewer are cut than were";
    if (s.handler_failures < failures || s.handler_failures > v.failures) return "books: failures of handlers";
    if (v.options.max_connections != 0 && s.active > v.options.max_connections)
        return "limit: more are active than may be";
    return {};
}

template <class Pool>
std::string serving_world::check_pool(pool<Pool>& p) {
    if (!p.it) return {};
    const auto s = p.it->statistics();
    if (s.growths_refused != p.refusals) {
        p.refusals = s.growths_refused, p.refused = clock::now();
        reached_(serving_mark::not_grown);
    }
    if (p.wants_growth && s.growths + s.growths_refused != *p.wants_growth) {
        if (s.growths != 0) reached_(serving_mark::grown);
        p.wants_growth.reset();
    }
    if (p.state != pool_state::open) {
        if (p.state == pool_state::idle && s.blocks != 0) return "pool: it has not started, and has a block";
        return {};
    }
    const std::uint32_t all = s.growths == 0
                                  ? p.first
                                  : std::min(p.first + static_cast<std::uint32_t>(s.growths) * p.growth.grow_by,
                                             std::max(p.first, p.growth.most));
    if (s.ports.total() != all)
        return "pool: " + std::to_string(s.ports.total()) + " ports, and it should have " + std::to_string(all);
    const std::uint32_t out = out_of(p.generation);
    const auto closing = static_cast<std::uint32_t>(std::count_if(
        guests_.begin(), guests_.end(), [&](const auto& g) { return g->of == p.generation && g->is_closing; }));
    if (s.ports.open > out || s.ports.open + closing < out || s.ports.taken != 0) {
        return "pool: " + std::to_string(s.ports.open) + " are open, and " + std::to_string(out) + " are out";
    }
    return {};
}

template <class Pool>
std::string serving_world::check_growth(pool<Pool>& p) {
    if (!p.it || p.state != pool_state::open || !p.wants_growth || clock::now() < p.refused + 1s) return {};
    for (int i = 0; i < 40 && p.wants_growth; ++i) {
        kernel_.end_waits();
        run_for(1ms);
        if (auto broke = check_pool(p); !broke.empty()) return broke;
    }
    if (auto broke = check(); !broke.empty()) return broke;
    return p.wants_growth ? "pool: it is low, and does not grow" : "";
}

// The loops had more time than anything takes: what can be over is.
std::string serving_world::check_ran() {
    if (auto broke = check(); !broke.empty()) return broke;
    reached_(serving_mark::ran_dry);
    const auto now = clock::now();
    for (auto& v : services_) {
        if (!v.running) continue;
        const auto s = v.running->statistics();
        std::uint64_t ended = 0;
        for (const auto& t : talks_) ended += t.by == &v && t.is_counted;
        if (s.ended != ended)
            return "books: " + std::to_string(s.ended) + " ended, and " + std::to_string(ended) +
                   " handlers know of it";
        clock::time_point changed{};  // somebody came or went: what waited has had no time since
        for (const auto& t : talks_) {
            if (t.by == &v)
                changed = std::max({changed, t.opened_at, t.ended_at,
                                    clock::time_point(std::chrono::nanoseconds(t.stream->taken_at))});
        }
        const bool has_room = v.options.max_connections == 0 || s.active < v.options.max_connections;
        const bool is_short = now - v.backed_off < 1100ms || most_sockets_ != test::simulated_provider::never;
        if (!v.is_started || v.is_stopping || !has_room || is_short || now - changed < 30ms) continue;
        for (const auto& t : talks_) {
            if (t.was_opened || t.stream->was_reset) continue;
            const bool is_here =
                std::any_of(v.doors.begin(), v.doors.end(), [&](const auto& d) { return d.second == t.session; });
            if (is_here) return "accept: a client waits, and there is room";
        }
    }
    for (const auto& t : talks_) {
        if (!t.was_opened || t.is_counted) continue;
        const connection& c = *t.handle;
        const auto& stream = *t.stream;
        if (now - std::max({t.opened_at, t.active, clock::time_point(std::chrono::nanoseconds(stream.taken_at))}) <
            30ms)
            continue;
        if (!c.is_open()) return "ends: a connection is closed, and its handler goes on";
        if (c.queued() != t.written - stream.taken)
            return "queue: it has " + std::to_string(c.queued()) + " bytes, and " +
                   std::to_string(t.written - stream.taken) + " were not taken";
        if (c.queued() != 0 && stream.room != 0) return "queue: it has bytes, and there is room";
        if (c.queued() == 0 && (t.by->by_coroutine ? t.waits : t.was_above))
            return "watermark: the queue is empty, and nobody is told that it drained";
        if (c.queued() == 0 && (t.is_finished || t.has_ended)) return "ends: a finished connection lives";
        if (c.is_above_high() || t.waits || t.has_ended) continue;
        if (stream.waiting != 0) return "read: bytes wait, and so does the handler";
        if (stream.was_reset) return "ends: the client is gone, and the connection lives";
        if (stream.has_ended && c.queued() == 0) return "ends: the client has ended, and the connection lives";
    }
    if (auto broke = check_growth(rooms_); !broke.empty()) return broke;
    return check_growth(doors_);
}

}  // namespace berth::simulation
