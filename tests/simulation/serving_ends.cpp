// What the operations of a simulated server's pools and sockets hear, and what is wrong with it.
#include "simulation/serving_world.hpp"

#include <algorithm>

namespace berth::simulation {

void serving_world::ended(ledger_receipt& mine, const error_code& ec) {
    ledger_entry* const e = mine.called();
    if (e == nullptr) return;
    note(static_cast<std::uint64_t>(ec.value()) * 131 + e->what);
    const auto waited_for = [&](auto& p) {
        if (p.generation != e->subject || !p.it) return;
        if (e->what == serving_step::start_pool) {
            const bool was_idle = e->then == static_cast<std::uint8_t>(pool_state::idle);
            if (!was_idle) {
                if (ec != asio::error::already_started)
                    break_rule("start: of a pool that has begun: " + ec.message());
                return;
            }
            if (p.state == pool_state::closed) {
                if (!ec) break_rule("start: of a pool that was closed meanwhile");
                return;
            }
            reached_(ec ? serving_mark::pool_refused : serving_mark::pool_started);
            p.state = ec ? pool_state::idle : pool_state::open;
            return;
        }
        if (ec) return break_rule("stop: of a pool: " + ec.message());
        reached_(serving_mark::pool_stopped);
        const bool is_detached = std::find(detached_.begin(), detached_.end(), p.generation) != detached_.end();
        const auto out = static_cast<std::uint32_t>(std::count_if(
            guests_.begin(), guests_.end(), [&](const auto& g) { return g->of == p.generation && !g->is_closing; }));
        if (!is_detached && out != 0) break_rule("stop: a pool has stopped, and a socket of it is out");
        if (p.it->statistics().blocks != 0) break_rule("stop: a pool has stopped, and a block is held");
    };
    switch (e->what) {
        case serving_step::start_pool:
        case serving_step::stop_pool:
            waited_for(rooms_);
            waited_for(doors_);
            return;
        case serving_step::give_back:
            std::erase_if(guests_, [&](const auto& g) { return g->serial == e->subject; });
            return ledger_.closed(e->subject);
        default:
            break;
    }
    for (auto& v : services_) {
        if (v.serial != e->subject) continue;
        reached_(ec ? serving_mark::stopped_by_deadline : serving_mark::stopped);
        if (--v.stops_under_way == 0) v.stops_by = clock::time_point::max();
        if (ec && ec != asio::error::timed_out) break_rule("stop: " + ec.message());
        if (v.running) {
            const auto books = v.running->statistics();
            if (!ec && books.cut != 0) break_rule("stop: it says that none was cut, and it is not so");
            if (!ec && books.accepted != books.ended) break_rule("stop: it says that all have ended, and it is not so");
        }
        const bool is_any_open = std::any_of(talks_.begin(), talks_.end(), [&](const auto& t) {
            return t.by == &v && t.handle && t.handle->is_open();
        });
        if (v.running && is_any_open) break_rule("stop: it has stopped, and a connection is open");
    }
}

void serving_world::accepted(ledger_receipt& mine, const error_code& ec, tcp_socket s, bool is_end) {
    const bool ends = is_end || static_cast<bool>(ec);
    ledger_entry* const e = ends ? mine.called() : mine.entry();
    if (e == nullptr) return break_rule("exactly once: a handler of many results was called after its end");
    note(static_cast<std::uint64_t>(ec.value()) * 131 + e->what);
    if (static_cast<bool>(ec) == s.is_open()) break_rule("accept: a socket and an error, or neither");
    if (e->is_closed && ec != asio::error::operation_aborted) break_rule("after close: an accept brings somebody");
    if (s.is_open()) {
        reached_(serving_mark::accepted);
        const auto* const attached = detail::io_access::attachment_of(s);
        const auto* const socket = attached != nullptr ? network_.find(attached->native()) : nullptr;
        if (socket == nullptr || !socket->stream) {
            break_rule("accept: a socket without a connection");
        } else if (socket->stream->mark != e->mark) {
            break_rule("session: a client of another session was accepted");
        }
    }
    guest* const g =
        e->is_closed || is_ending_ || !is_end || ec == asio::error::bad_descriptor ? nullptr : find(e->player);
    if (g == nullptr || g->is_closing || g->socket.index() != 3 || ec) return;
    const std::size_t i = e->subject;
    ledger_entry& next = ledger_.begin(serving_step::open);
    next.player = g->serial, next.mark = g->sessions.front().second, next.subject = i;
    std::get<3>(g->socket).acceptor(i).async_accept(handler_of(next));
}

void serving_world::lent(ledger_receipt& mine, const error_code& ec, const lent_buffer& b) {
    ledger_entry* const e = ec ? mine.called() : mine.entry();
    if (e == nullptr) return break_rule("exactly once: a handler of many results was called after its end");
    note(static_cast<std::uint64_t>(ec.value()) * 131 + b.size());
    if (e->is_closed && ec != asio::error::operation_aborted) break_rule("after close: a datagram");
    if (ec) return;
    reached_(serving_mark::received);
    const auto* const bytes = reinterpret_cast<const unsigned char*>(b.data());
    if (std::any_of(bytes, bytes + b.size(), [&](auto c) { return c != fill_of(e->mark); })) {
        break_rule("session: a datagram of another session was received");
    }
}

}  // namespace berth::simulation
