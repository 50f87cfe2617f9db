// The server of a simulated process: its making and its end, what handlers hear and say.
#include "simulation/serving_world.hpp"

#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <stdexcept>

namespace berth::simulation {

using namespace std::chrono_literals;

void serving_world::reserve(const step&) {
    failure f;
    reservation_request r;
    r.block = {server_port, 4};
    r.protocol = transport::tcp;
    doors_block_ = port_reservation::reserve(r, f);
    note(static_cast<std::uint64_t>(f.code.value()));
}

void serving_world::make_server(const step& s) {
    const auto one_of = [&](auto... values) {
        const decltype(std::common_type_t<decltype(values)...>()) all[] = {values...};
        return all[random_.below(sizeof...(values))];
    };
    service& v = services_.emplace_back();
    v.serial = ++serials_;
    auto& o = v.options;
    o.max_connections = one_of(0u, 0u, 1u, 3u);
    o.when_full = one_of(beyond_limit::wait, beyond_limit::reset);
    o.max_connections_per_address = one_of(0u, 0u, 1u, 2u);
    o.first_byte = one_of(0ms, 20ms, 50ms);
    o.idle = one_of(0ms, 40ms, 300ms);
    o.total = one_of(0ms, 0ms, 100ms);
    o.write = one_of(0ms, 30ms);
    o.tick = one_of(1ms, 5ms, 10ms);
    o.high_watermark = 200 + random_.below(1500);
    o.low_watermark = random_.below(200);
    v.by_coroutine = s.with[0] % 2 == 0;
    v.running = std::make_unique<server>(*shards_, o);
}

void serving_world::listen(service& v, const step&) {
    error_code ec;
    auto port = doors_block_.take(ec);
    if (ec) return;
    const auto on = v.running->listen(std::move(port), ec);
    note(on.port());
    const bool is_late = v.is_started || v.is_stopping;
    if (static_cast<bool>(ec) != is_late)
        return break_rule("listen: refused, or not, for no reason: " + ec.message());
    if (ec) return;
    v.doors.emplace_back(on.port(), ++marks_);
    session_at_[{true, on.port()}] = marks_;
}

void serving_world::start(service& v) {
    error_code ec;
    if (v.by_coroutine) {
        v.running->start([this, &v](connection c) { return serve(v, std::move(c)); }, ec);
    } else {
        v.running->start(callbacks_of(v), ec);
    }
    note(static_cast<std::uint64_t>(ec.value()));
    const bool is_late = v.is_started || v.is_stopping;
    if (is_late != (ec == asio::error::already_started)) break_rule("start: already started, or not");
    if (is_late) return;
    if (v.doors.empty() != (ec == asio::error::not_socket)) return break_rule("start: without a door, or not");
    if (v.doors.empty()) return;
    v.is_started = !ec;
    v.is_stopping = static_cast<bool>(ec);
    reached_(ec ? serving_mark::start_failed : serving_mark::started);
    if (ec && fault_rate_ == 0 && most_sockets_ == test::simulated_provider::never) {
        break_rule("start: it fails, and nothing is short: " + ec.message());
    }
}

void serving_world::stop(service& v, const step& s) {
    const std::chrono::milliseconds spans[] = {0ms, 15ms, 60ms};
    const auto deadline = spans[s.with[0] % 3];
    ledger_entry& e = ledger_.begin(s.what);
    e.subject = v.serial;
    v.is_stopping = true;
    v.stops_by = std::min(v.stops_by, clock::now() + deadline);
    ++v.stops_under_way;
    if (s.what == serving_step::stop) return v.running->async_stop(deadline, handler_of(e));
    reached_(serving_mark::left);
    v.running->async_leave(deadline, handler_of(e));
}

// --- handlers

serving_world::talk* serving_world::talk_of(const connection& c) {
    error_code ec;
    const auto found = by_remote_.find(c.remote_endpoint(ec).port());
    return found == by_remote_.end() ? nullptr : found->second;
}

serving_world::talk* serving_world::open(service& v, connection& c) {
    talk* const t = talk_of(c);
    if (t == nullptr) return break_rule("opened: a connection of nobody"), nullptr;
    if (t->was_opened) return break_rule("opened: a connection is opened twice"), nullptr;
    ++v.opened;
    reached_(serving_mark::opened);
    const bool is_ours =
        std::any_of(v.doors.begin(), v.doors.end(), [&](const auto& d) { return d.second == t->session; });
    if (!is_ours) break_rule("session: a client of another session is served");
    const auto& o = v.options;
    std::uint32_t active = 0, of_network = 0;
    for (const auto& other : talks_) {
        if (other.by != &v || !other.was_opened || other.is_counted) continue;
        if (other.has_ended && !other.handle->is_open()) continue;
        ++active;
        of_network += network_of(other.stream->remote) == network_of(t->stream->remote);
    }
    if (o.max_connections != 0 && active >= o.max_connections) {
        break_rule("limit: more connections than the server may have");
    }
    if (o.max_connections_per_address != 0 && of_network >= o.max_connections_per_address) {
        break_rule("limit: more connections of a network than it may have");
    }
    t->was_opened = true;
    t->by = &v;
    t->handle.emplace(c);
    t->opened_at = t->active = clock::now();
    t->late = {};
    c.user_data() = t;
    if (v.is_stopping && clock::now() > v.stops_by) break_rule("stop: a connection is opened after the deadline");
    return t;
}

void serving_world::write(talk& t, connection& c, std::uint32_t size) {
    std::vector<unsigned char> bytes(size);
    for (std::uint32_t i = 0; i < size; ++i) bytes[i] = wrote(t.mark, t.written + i);
    const bool is_ending = t.has_ended || (t.stream->has_ended && !t.by->by_coroutine);  // perhaps it finishes
    const std::size_t before = c.queued();
    if (t.by->by_coroutine) t.was_above = c.is_above_high();  // it hears of the end of that in its turn
    const bool may_go_on = c.write(asio::buffer(bytes));
    note(c.queued());
    if (!c.is_open() || t.is_finished || (is_ending && c.queued() == before)) {
        if (c.queued() != before) break_rule("write: a connection that ends takes bytes");
        return;
    }
    reached_(serving_mark::written);
    if (before == 0) t.progress = clock::now();
    t.written += size;
    if (c.queued() != before + size) break_rule("write: bytes are lost or doubled in the queue");
    if (c.queued() > t.by->options.high_watermark) t.was_above = true;
    if (may_go_on == t.was_above) break_rule("watermark: write says that it may go on, or not, for no reason");
    if (t.was_above != c.is_above_high()) break_rule("watermark: above, or not, for no reason");
    if (t.was_above) reached_(serving_mark::above_high);
}

void serving_world::received(talk& t, connection& c, const void* data, std::size_t size) {
    const auto* const bytes = static_cast<const unsigned char*>(data);
    reached_(serving_mark::read);
    note(size);
    // What async_read_unless_stopping finds when the server stops was taken before the connection may be cut.
    const bool was_there = t.by->by_coroutine && t.by->is_stopping && t.mark % 2 != 0;
    if (!c.is_open() && !was_there) break_rule("after close: bytes are received");
    if (t.has_ended) break_rule("received: after the handler's end");
    t.heard += size;
    t.by->bytes_in += size;
    t.active = clock::now();
    if (t.heard > t.said) break_rule("received: more than the client sent");
    if (std::any_of(bytes, bytes + size, [&](auto b) { return b != fill_of(t.mark); })) {
        break_rule("session: bytes of another connection were received");
    }
    if (is_ending_) return;
    if (random_.chance(15)) {
        ++t.by->failures;
        reached_(serving_mark::handler_failed);
        throw std::runtime_error("a handler's");
    }
    if (random_.chance(500)) write(t, c, 1 + random_.below(900));
    if (random_.chance(30)) {
        c.finish();
        t.is_finished = true;
    } else if (random_.chance(20)) {
        random_.chance(500) ? c.close() : c.reset();
    }
}

void serving_world::drained(talk& t, connection& c) {
    reached_(serving_mark::drained);
    if (!std::exchange(t.was_above, false)) break_rule("watermark: drained, and it was never above");
    if (c.queued() > t.by->options.low_watermark) break_rule("watermark: drained, and it is above the low one");
    if (!is_ending_ && random_.chance(300)) write(t, c, 1 + random_.below(900));
}

void serving_world::closed(talk& t, connection& c, const error_code& ec) {
    if (c.is_open()) break_rule("closed: and the connection is open");
    const bool by_client = t.stream->has_ended || t.stream->was_reset;
    if (ec == asio::error::eof && !t.stream->has_ended)
        break_rule("closed: an end of which the client knows nothing");
    if (ec == asio::error::eof && !t.is_finished && t.heard != t.said)
        break_rule("closed: the end came before bytes of the client's");
    if (ec == asio::error::eof) reached_(serving_mark::end_of_stream);
    const bool is_timeout = c.end() >= connection_end::first_byte && c.end() <= connection_end::write;
    if (is_timeout && !by_client && ec != asio::error::timed_out)
        break_rule("closed: a deadline says " + ec.message());
    if (!ec && c.end() != connection_end::finished) break_rule("closed: without a word");
    handler_ended(t);
}

void serving_world::handler_ended(talk& t) {
    t.ended_at = clock::now();
    if (std::exchange(t.has_ended, true)) break_rule("exactly once: a handler ended twice");
}

connection_callbacks serving_world::callbacks_of(service& v) {
    const auto of = [](connection& c) { return static_cast<talk*>(c.user_data()); };
    connection_callbacks all;
    all.opened = [this, &v](connection& c) {
        talk* const t = open(v, c);
        if (t != nullptr && !is_ending_ && random_.chance(200)) write(*t, c, 1 + random_.below(900));
        if (t != nullptr && !is_ending_ && random_.chance(20)) c.close();
    };
    all.received = [this, of](connection& c, asio::const_buffer b) {
        if (talk* const t = of(c)) received(*t, c, b.data(), b.size());
    };
    all.drained = [this, of](connection& c) {
        if (talk* const t = of(c)) drained(*t, c);
    };
    all.stopping = [this, of](connection& c) {
        talk* const t = of(c);
        if (t == nullptr) return;
        if (std::exchange(t->was_told_to_stop, true)) break_rule("exactly once: told to stop twice");
        if (!c.stopping()) break_rule("stopping: and it is not");
        if (!is_ending_ && random_.chance(500)) c.finish(), t->is_finished = true;
    };
    all.closed = [this, of](connection& c, error_code ec) {
        if (talk* const t = of(c)) closed(*t, c, ec);
    };
    return all;
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters): services_ outlive it
asio::awaitable<void> serving_world::serve(service& v, connection c) {
    constexpr auto as_tuple = asio::experimental::as_tuple(asio::use_awaitable);
    talk* const t = open(v, c);
    if (t == nullptr) co_return;
    const talk_end at_end(this, t);
    reached_(serving_mark::by_coroutine);
    std::array<unsigned char, 200> bytes{};
    for (;;) {
        const auto [ec, n] = t->mark % 2 == 0 ? co_await c.async_read_some(asio::buffer(bytes), as_tuple)
                                              : co_await c.async_read_unless_stopping(asio::buffer(bytes), as_tuple);
        note(n);
        if (ec) {
            if (ec == asio::error::eof && t->heard != t->said)
                break_rule("closed: the end came before bytes of the client's");
            break;
        }
        received(*t, c, bytes.data(), n);
        if (!c.is_open() || t->is_finished) break;
        t->waits = c.is_above_high();
        const auto [why] = co_await c.async_drained(as_tuple);
        t->waits = false;
        if (why) break;
        if (c.is_above_high()) continue;  // somebody else wrote since
        if (std::exchange(t->was_above, false)) reached_(serving_mark::drained);
    }
}

}  // namespace berth::simulation
