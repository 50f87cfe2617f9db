// The steps over the loop that call off, close, give back and release, its timers, and what the far ends do.
#include "simulation/loop_world.hpp"

#include "reservation_core.hpp"

#include <algorithm>

namespace berth::simulation {

using namespace std::chrono_literals;

void loop_world::cancel(const step& s, bool& did) {
    if (s.what == loop_step::cancel_one) {
        ledger_entry* const e = ledger_.pick(s.with[0]);
        did = e != nullptr;
        if (did) e->is_cancelled = true, e->signal.emit(asio::cancellation_type::total);
        return;
    }
    player* const p = pick(s.with[0], s.what);
    did = p != nullptr;
    if (!did) return;
    error_code ignored;
    for (auto& e : ledger_.entries()) e.is_cancelled = e.is_cancelled || (e.player == p->serial && !p->is_lost);
    if (auto* const udp = std::get_if<1>(&p->socket)) (*udp)->cancel(ignored);
    if (auto* const door = std::get_if<2>(&p->socket)) (*door)->cancel(ignored);
    if (auto* const out = std::get_if<3>(&p->socket)) (*out)->cancel(ignored);
    if (auto* const in = std::get_if<4>(&p->socket)) in->cancel(ignored);
}

// Behind the library's back where the socket is a port's.
void loop_world::close(player& p) {
    error_code ec;
    if (auto* const udp = std::get_if<1>(&p.socket)) (*udp)->close(ec);
    if (auto* const door = std::get_if<2>(&p.socket)) (*door)->close(ec);
    if (auto* const out = std::get_if<3>(&p.socket)) (*out)->close(ec);
    if (auto* const in = std::get_if<4>(&p.socket)) in->close(ec);
    if (ec) break_rule("close: " + ec.message());
    p.is_lost = true;
    ledger_.closed(p.serial);
}

void loop_world::give_back(player& p) {
    error_code ec;
    const auto serial = p.serial;
    if (p.is_lost && p.of != 0) reached_(loop_mark::lost_back);
    if (auto* const udp = std::get_if<1>(&p.socket)) udp->give_back(ec);
    if (auto* const door = std::get_if<2>(&p.socket)) door->give_back(ec);
    if (auto* const out = std::get_if<3>(&p.socket)) out->give_back(ec);
    if (ec) break_rule("give back: " + ec.message());
    if (p.of != 0) session_at_.erase({p.socket.index() != 1, p.port});
    std::erase_if(players_, [&](const auto& other) { return other->serial == serial; });  // an accepted one ends here
    ledger_.closed(serial);
}

void loop_world::set_timer(const step& s) {
    auto& t = timers_[s.with[0] % timers_.size()];
    const auto number = static_cast<std::uint64_t>(s.with[0] % timers_.size());
    for (auto& e : ledger_.entries()) {
        if (e.what == loop_step::timer && !e.has_ended && e.subject == number)
            e.due = std::chrono::steady_clock::time_point::max();
    }
    t.expires_after(std::chrono::microseconds(s.with[1] % 6000));
    ledger_entry& e = ledger_.begin(s.what);
    e.subject = number;
    e.due = t.expiry();
    t.async_wait(handler_of(e));
}

// Of the far ends: chance is not theirs, the program says all.
void loop_world::arrive(const step& s) {
    auto port = static_cast<std::uint16_t>(first_port + s.with[0] % port_count);
    if (s.with[2] % 8 != 0) {  // mostly where somebody is
        player* const p = pick(s.with[0], s.what == loop_step::datagram ? loop_step::receive : loop_step::accept);
        if (p != nullptr) port = p->port;
    }
    const auto mark_at = [&](bool is_tcp) {
        const auto there = session_at_.find({is_tcp, port});
        return there == session_at_.end() ? session_mark{0} : there->second;
    };
    if (s.what == loop_step::datagram) {
        acted_ = network_.datagram(port, {mark_at(false), s.with[1] % 8 == 0 ? 0u : s.with[1] % 700u, 40000});
    } else if (s.what == loop_step::client) {
        auto stream = std::make_shared<model_stream>();
        stream->mark = mark_at(true), stream->local = port, stream->remote = 40001, stream->is_up = true;
        stream->waiting = s.with[1] % 3 == 0 ? s.with[1] % 900u : 0u;
        acted_ = network_.client(port, std::move(stream));
    } else if (s.what == loop_step::stranger) {
        const std::pair<bool, std::uint16_t> who(s.with[1] % 2 != 0, port);
        const auto there = std::find(strangers_.begin(), strangers_.end(), who);
        acted_ = true;
        if (there != strangers_.end()) {
            kernel_.vacate(who.first, who.second);
            strangers_.erase(there);
        } else if (kernel_.is_free(who.first, who.second)) {
            kernel_.occupy(who.first, who.second);
            strangers_.push_back(who);
        }
    } else if (player* const p = pick(s.with[0], loop_step::read); p != nullptr && !p->is_lost) {
        const auto number =
            p->socket.index() == 3 ? number_of(*std::get<3>(p->socket)) : number_of(std::get<4>(p->socket));
        auto* const socket = network_.find(number);
        if (socket == nullptr || !socket->stream || socket->stream->has_ended || socket->stream->was_reset) return;
        acted_ = true;
        if (s.what == loop_step::bytes) {
            socket->stream->waiting += s.with[1] % 900u;
            socket->stream->room = std::max(socket->stream->room, s.with[2] % 4096u);
        } else {
            (s.with[1] % 3 == 0 ? socket->stream->was_reset : socket->stream->has_ended) = true;
        }
    }
}

std::string loop_world::release(const step& s, bool& did) {
    did = !blocks_.empty();
    if (!did) return {};
    const std::size_t i = s.with[0] % blocks_.size();
    block& b = *blocks_[i];
    const bool detaches = s.with[1] % 2 != 0;
    const bool has_out =
        std::any_of(players_.begin(), players_.end(), [&](const auto& p) { return p->of == b.serial; });
    failure f;
    b.r.release(f, detaches ? if_taken::detach : if_taken::refuse);
    note(static_cast<std::uint64_t>(f.code.value()));
    if (f) return f.code == errc::reservation_busy && !detaches ? "" : "release: " + f.code.message();
    if (has_out && !detaches) return "release: went through although ports are out";
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(i));
    return {};
}

}  // namespace berth::simulation
