// What handlers hear, and what is wrong with it.
#include "simulation/loop_world.hpp"

#include "reservation_core.hpp"

#include <algorithm>

namespace berth::simulation {

void loop_world::look_at(const ledger_entry& e, const error_code& ec) {
    note(static_cast<std::uint64_t>(ec.value()) * 131 + e.what);
    if (ec == asio::error::operation_aborted) reached_(loop_mark::aborted);
    if (!e.is_closed) return;
    reached_(loop_mark::after_close);
    if (ec != asio::error::operation_aborted) break_rule("after close: a handler heard '" + ec.message() + "'");
}

// What the program's step said that the handler does.
void loop_world::go_on(const ledger_entry& e) {
    if (is_ending_ || e.player == 0) return;
    player* const p = find(e.player);
    if (p == nullptr) return;
    if (e.then == 1 && ledger_.pending() < 60) {
        reached_(loop_mark::again);
        bool ignored = false;
        const step same{
            e.what,
            {static_cast<std::uint16_t>(e.buffer.size() * 7), static_cast<std::uint16_t>(e.buffer.size()), 0},
            0};
        begin(e.what, same, *p, ignored);
    } else if (e.then == 2 && !p->is_lost) {
        reached_(loop_mark::closed_inside);
        close(*p);
    } else if (e.then == 3) {
        reached_(loop_mark::given_back_inside);
        give_back(*p);
    }
}

void loop_world::ended(ledger_receipt& mine, const error_code& ec, std::size_t n) {
    ledger_entry* const e = mine.called();
    if (e == nullptr) return;
    look_at(*e, ec);
    note(n);
    if (n > e->buffer.size()) break_rule("bytes: more than there is room for");
    if (e->is_reading && n != 0 && !e->is_closed) {
        const auto wanted = fill_of(e->mark);
        const auto end = e->buffer.begin() + static_cast<std::ptrdiff_t>(std::min(n, e->buffer.size()));
        if (std::any_of(e->buffer.begin(), end, [&](auto c) { return c != wanted; })) {
            break_rule("session: bytes of another session were read");
        }
    }
    switch (e->what) {
        case loop_step::receive:
            if (!ec) reached_(loop_mark::received);
            break;
        case loop_step::send:
            if (!ec) reached_(loop_mark::sent);
            if (!ec && n != e->buffer.size()) break_rule("send: a datagram was sent in part");
            break;
        case loop_step::read:
            if (!ec) reached_(loop_mark::read);
            if (!ec && n == 0) break_rule("read: nothing, and no end");
            if (ec == asio::error::eof) reached_(loop_mark::end_of_stream);
            if (ec == asio::error::connection_reset) reached_(loop_mark::reset);
            break;
        case loop_step::write:
            if (!ec) reached_(loop_mark::written);
            break;
        case loop_step::wait:
            if (!ec) reached_(loop_mark::waited);
            break;
        case loop_step::timer:
            if (!ec) reached_(loop_mark::timer_rang);
            if (!ec && e->due != std::chrono::steady_clock::time_point::max()) {
                const auto now = std::chrono::steady_clock::now();
                if (now < e->due) break_rule("timer: it rang too early");
                // Time passes in the loop's sleep alone, and it does not sleep past a time.
                if (now > std::max(e->due, run_began_) && !is_ending_) break_rule("timer: it rang too late");
            }
            break;
        default:
            break;
    }
    if (ec == asio::error::operation_aborted && e->due <= std::chrono::steady_clock::now() &&
        e->what != loop_step::timer) {
        reached_(loop_mark::timed_out);
    }
    go_on(*e);
}

void loop_world::accepted(ledger_receipt& mine, const error_code& ec, tcp_socket s, bool is_end) {
    const bool ends = is_end || static_cast<bool>(ec);
    ledger_entry* const e = ends ? mine.called() : mine.entry();
    if (e == nullptr) return break_rule("exactly once: a handler of many results was called after its end");
    look_at(*e, ec);
    if (static_cast<bool>(ec) == s.is_open()) break_rule("accept: a socket and an error, or neither");
    if (s.is_open()) {
        reached_(loop_mark::accepted);
        const auto* const socket = network_.find(number_of(s));
        if (socket == nullptr || !socket->stream) {
            break_rule("accept: a socket without a connection");
        } else if (socket->stream->mark != e->mark) {
            break_rule("session: a client of another session was accepted");
        } else if (!is_ending_ && players_.size() < most_players) {
            player& p = add_player();
            p.mark = e->mark;
            p.port = socket->stream->local;
            p.socket = std::move(s);
        }
    }
    if (ends || e->then % 4 != 1) go_on(*e);
}

void loop_world::connected(ledger_receipt& mine, const error_code& ec, bound<tcp_socket> b) {
    ledger_entry* const e = mine.called();
    if (e == nullptr) return;
    look_at(*e, ec);
    if (static_cast<bool>(ec) == static_cast<bool>(b)) break_rule("connect: a socket and an error, or neither");
    if (!b) return reached_(loop_mark::not_connected);
    reached_(loop_mark::connected);
    auto* const socket = network_.find(number_of(*b));
    if (socket == nullptr || !socket->stream || !socket->stream->is_up)
        return break_rule("connect: without a connection");
    if (socket->stream->mark != 0) return break_rule("session: an old session's connection");
    socket->stream->mark = ++marks_;
    note(b.port());
    const bool is_held =
        std::any_of(blocks_.begin(), blocks_.end(), [&](const auto& x) { return x->serial == e->subject; });
    if (is_ending_ || players_.size() >= most_players) return;  // goes back
    player& p = add_player();
    p.mark = socket->stream->mark;
    p.of = is_held ? e->subject : ~std::uint64_t{0};
    p.port = b.port();
    p.socket = std::move(b);
}

void loop_world::reserved(ledger_receipt& mine, const error_code& ec, port_reservation r) {
    ledger_entry* const e = mine.called();
    if (e == nullptr) return;
    look_at(*e, ec);
    if (static_cast<bool>(ec) == static_cast<bool>(r)) break_rule("reserve: a reservation and an error, or neither");
    if (ec == asio::error::operation_aborted) reached_(loop_mark::stopped_reserve);
    if (ec) return reached_(loop_mark::refused);
    if (!is_ending_) add_block(std::move(r));
}

void loop_world::lent(ledger_receipt& mine, const error_code& ec, lent_buffer b) {
    ledger_entry* const e = ec ? mine.called() : mine.entry();
    if (e == nullptr) return break_rule("exactly once: a handler of many results was called after its end");
    look_at(*e, ec);
    note(b.size());
    if (!ec) {
        reached_(e->what == loop_step::read_each ? loop_mark::read : loop_mark::received);
        const auto* const bytes = static_cast<const unsigned char*>(b.data());
        const auto wanted = fill_of(e->mark);
        if (std::any_of(bytes, bytes + b.size(), [&](auto c) { return c != wanted; })) {
            break_rule("session: lent bytes are another session's");
        }
        if (e->then >= 12 && !is_ending_) kept_.push_back(std::move(b));
        return e->then % 4 != 1 ? go_on(*e) : void();
    }
    if (ec == asio::error::eof) reached_(loop_mark::end_of_stream);
    go_on(*e);
}

}  // namespace berth::simulation
