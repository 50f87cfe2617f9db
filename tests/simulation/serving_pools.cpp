// The pools of a simulated process: they start, grow, hand sockets out, stop; and what the sockets' operations hear.
#include "simulation/serving_world.hpp"

#include <algorithm>

namespace berth::simulation {

using namespace std::chrono_literals;

namespace {

/// Available, or soon again: a draw that finds none looks whether some have rested.
std::uint32_t spare_of(const pool_statistics& s) noexcept { return s.ports.total() - s.ports.open - s.ports.taken; }

}  // namespace

template <class Pool>
void serving_world::make_pool(pool<Pool>& p, const step& s, std::uint16_t port) {
    if (p.it && p.state != pool_state::closed) {
        detached_.push_back(p.generation);
        reached_(serving_mark::pool_closed);
    }
    p = {};
    reservation_request r;
    r.block = {port, 1 + s.with[1] % 3u};
    if (random_.chance(200)) r.cool_down = 3ms;
    if (s.with[2] % 2 == 0)
        p.growth = {.grow_by = 1 + random_.below(3), .most = 2 + random_.below(8), .low_water = random_.below(3)};
    p.first = r.block.count;
    p.generation = ++serials_;
    std::vector<io_context*> contexts;
    for (std::size_t i = 0; i < shard_count_; ++i) contexts.push_back(&(*shards_)[i]);
    p.it = std::make_unique<Pool>(r, contexts, p.growth);
}
template void serving_world::make_pool(pool<listener_pool>&, const step&, std::uint16_t);
template void serving_world::make_pool(pool<acceptor_pool>&, const step&, std::uint16_t);

template <class Pool>
void serving_world::start_pool(pool<Pool>& p) {
    if (!p.it) make_pool(p, step{0, {0, 1, 0}, 0}, std::is_same_v<Pool, listener_pool> ? room_port : door_port);
    ledger_entry& e = ledger_.begin(serving_step::start_pool);
    e.subject = p.generation;
    e.then = static_cast<std::uint8_t>(p.state);
    if (p.state == pool_state::idle) p.state = pool_state::starting;
    p.it->async_start(handler_of(e));
}
template void serving_world::start_pool(pool<listener_pool>&);
template void serving_world::start_pool(pool<acceptor_pool>&);

template <class Pool>
void serving_world::end_pool(pool<Pool>& p, bool waits) {
    p.state = pool_state::closed;
    if (!waits) {
        detached_.push_back(p.generation);
        reached_(serving_mark::pool_closed);
        return p.it->close();
    }
    ledger_entry& e = ledger_.begin(serving_step::stop_pool);
    e.subject = p.generation;
    p.it->async_stop(handler_of(e));
}
template void serving_world::end_pool(pool<listener_pool>&, bool);
template void serving_world::end_pool(pool<acceptor_pool>&, bool);

// `before`: those that could be had when it was asked.
template <class Pool>
void serving_world::drew(pool<Pool>& p, const error_code& ec, std::uint32_t before, std::uint32_t count) {
    note(static_cast<std::uint64_t>(ec.value()));
    if ((p.state != pool_state::open) != (ec == errc::reservation_released)) {
        return break_rule("open: refused, or not, although the pool is, or is not, open: " + ec.message());
    }
    if (p.state != pool_state::open) return;
    const auto after = p.it->statistics();
    if (!ec && before < count) break_rule("open: a socket, and no port was available");
    if (!ec) reached_(serving_mark::taken);
    if (ec == errc::block_exhausted) {
        reached_(serving_mark::exhausted);
        if (after.ports.available != 0 && count == 1) break_rule("open: exhausted, and a port is available");
    }
    const bool has_faults = fault_rate_ != 0 || most_sockets_ != test::simulated_provider::never;
    if (ec && ec != errc::block_exhausted && !has_faults) break_rule("open: " + ec.message());
    const bool is_low = ec == errc::block_exhausted || (!ec && after.ports.available < p.growth.low_water);
    const bool may = p.growth.grow_by != 0 && after.ports.total() < p.growth.most && clock::now() >= p.refused + 1s;
    if (is_low && may && !p.wants_growth) p.wants_growth = after.growths + after.growths_refused;
}

void serving_world::open_room(const step& s) {
    if (!rooms_.it) return;
    const std::uint32_t before = spare_of(rooms_.it->statistics());
    const std::size_t shard = s.with[1] % 16 == 15 ? shard_count_ : s.with[1] % shard_count_;
    error_code ec;
    std::vector<bound<udp_socket>> made;
    if (s.what == serving_step::open_pair) {
        auto pair = rooms_.it->open_pair(shard, ec);
        if (static_cast<bool>(pair[0]) != static_cast<bool>(pair[1])) break_rule("pair: one of two");
        if (pair[0] && (pair[0].port() % 2 != 0 || pair[1].port() != pair[0].port() + 1))
            break_rule("pair: not an even one and the next");
        if (pair[0]) reached_(serving_mark::pair);
        for (auto& one : pair) made.push_back(std::move(one));
    } else {
        made.push_back(rooms_.it->open(shard, ec));
    }
    if (static_cast<bool>(ec) == static_cast<bool>(made.front()))
        break_rule("open: a socket and an error, or neither");
    if (shard == shard_count_) {
        if (ec != errc::invalid_argument) break_rule("open: on a shard that is none");
        return;
    }
    drew(rooms_, ec, before, static_cast<std::uint32_t>(made.size()));
    for (auto& one : made) {
        if (!one) continue;
        guest g;
        g.of = rooms_.generation;
        g.sessions.emplace_back(one.port(), ++marks_);
        session_at_[{false, one.port()}] = marks_;
        g.socket = std::move(one);
        keep(std::move(g));
    }
}

void serving_world::open_door(const step& s) {
    if (!doors_.it) return;
    const std::uint32_t before = spare_of(doors_.it->statistics());
    error_code ec;
    guest g;
    std::uint16_t port = 0;
    if (s.what == serving_step::open_on_all) {
        auto shared = doors_.it->open_on_all(ec);
        port = shared.port();
        if (!ec) reached_(serving_mark::on_all);
        if (!ec && shared.size() != shard_count_) break_rule("open on all: not on all");
        g.socket = std::move(shared);
    } else {
        auto door = doors_.it->open(s.with[1] % shard_count_, ec);
        port = door.port();
        g.socket = std::move(door);
    }
    if (static_cast<bool>(ec) == (port != 0)) break_rule("open: a socket and an error, or neither");
    drew(doors_, ec, before, 1);
    if (ec) return;
    g.of = doors_.generation;
    g.sessions.emplace_back(port, ++marks_);
    session_at_[{true, port}] = marks_;
    keep(std::move(g));
}

void serving_world::keep(guest g) {
    const auto session = g.sessions.front();
    const bool is_tcp = g.socket.index() != 1;
    const auto others = std::count_if(guests_.begin(), guests_.end(), [&](const auto& other) {
        return !other->is_closing && other->sessions.front().first == session.first &&
               (other->socket.index() != 1) == is_tcp;
    });
    if (others != 0) break_rule("owners: a port is out twice");
    g.serial = ++serials_;
    guests_.push_back(std::make_unique<guest>(std::move(g)));
    hear(*guests_.back());
}

void serving_world::hear(guest& g) {
    const auto begin = [&](bool is_many) -> ledger_entry& {
        ledger_entry& e = ledger_.begin(serving_step::open);
        e.player = g.serial, e.mark = g.sessions.front().second, e.is_many = is_many;
        return e;
    };
    if (auto* const room = std::get_if<1>(&g.socket)) {
        (*room)->async_receive_each(many_of(begin(true)));
    } else if (auto* const door = std::get_if<2>(&g.socket)) {
        (*door)->async_accept_each(many_of(begin(true)));
    } else {
        auto& shared = std::get<3>(g.socket);
        for (std::size_t i = 0; i < shared.size(); ++i) {
            ledger_entry& e = begin(false);
            e.subject = i;
            shared.acceptor(i).async_accept(handler_of(e));
        }
    }
}

serving_world::guest* serving_world::find(std::uint64_t serial) {
    const auto found =
        std::find_if(guests_.begin(), guests_.end(), [&](const auto& g) { return g->serial == serial; });
    return found == guests_.end() ? nullptr : found->get();
}

void serving_world::give_back(std::size_t place) {
    guest& g = *guests_[place];
    if (g.is_closing) return;
    const auto serial = g.serial;
    error_code ec;
    session_at_.erase({g.socket.index() != 1, g.sessions.front().first});
    if (auto* const shared = std::get_if<3>(&g.socket); shared != nullptr && random_.chance(500)) {
        g.is_closing = true;
        ledger_entry& e = ledger_.begin(serving_step::give_back);
        e.subject = serial;
        return shared->async_close(handler_of(e));
    }
    if (auto* const room = std::get_if<1>(&g.socket)) room->give_back(ec);
    if (auto* const door = std::get_if<2>(&g.socket)) door->give_back(ec);
    if (auto* const shared = std::get_if<3>(&g.socket)) shared->close();
    if (ec) break_rule("give back: " + ec.message());
    guests_.erase(guests_.begin() + static_cast<std::ptrdiff_t>(place));
    ledger_.closed(serial);
}

void serving_world::close_behind(guest& g) {
    error_code ignored;
    if (g.is_closing) return;
    if (auto* const room = std::get_if<1>(&g.socket)) (*room)->close(ignored);
    if (auto* const door = std::get_if<2>(&g.socket)) (*door)->close(ignored);
}

std::uint32_t serving_world::out_of(std::uint64_t generation) const {
    return static_cast<std::uint32_t>(
        std::count_if(guests_.begin(), guests_.end(), [&](const auto& g) { return g->of == generation; }));
}

}  // namespace berth::simulation
