// What the clients of the daemon's world ask, who they are, and what they hear.
#include "simulation/daemon_world.hpp"

#include "simulation/daemon_running.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

namespace berth::simulation {

using detail::request_kind;
using detail::service_request;

namespace {

constexpr std::uint32_t group = 777;

credentials who_is(std::uint32_t which) {
    switch (which % 5) {
        case 0:
            return {0, 0, {}};
        case 1:
            return {1001, group, {}};
        case 2:
            return {1002, 1002, {4, group}};
        case 3:
            return {1003, group, {}};
        default:
            return {1004, 1004, {4, 5}};
    }
}

}  // namespace

service_request daemon_world::request_for(const step& s) const {
    static constexpr request_kind kinds[] = {
        request_kind::create, request_kind::create, request_kind::create, request_kind::create, request_kind::remove,
        request_kind::remove, request_kind::lookup, request_kind::lookup, request_kind::take,   request_kind::take,
        request_kind::take,   request_kind::take,   request_kind::take,   request_kind::drain,  request_kind::resume,
        request_kind::status, request_kind::next_block};
    const auto& rows = books_.rows();
    const auto which = s.with[2];
    service_request r{.kind = kinds[s.with[1] % std::size(kinds)]};
    const bool is_known = !rows.empty() && which % 4 != 0;
    if (rows.size() < 2 && s.with[1] % 3 != 0) r.kind = request_kind::create;
    if (r.kind == request_kind::status) return r;
    if (r.kind == request_kind::next_block) {
        if (is_known) r.after = detail::place_of(rows[which % rows.size()].protocol, rows[which % rows.size()].block.first);
        return r;
    }
    if (r.kind == request_kind::take) {
        r.token = reservation_token(std::uint64_t{which} + 1);
        if (is_known) {
            r.token = rows[which % rows.size()].token;
        } else if (!old_tokens_.empty() && which % 8 != 0) {
            r.token = reservation_token(old_tokens_[which % old_tokens_.size()]);
        }
        return r;
    }
    if (r.kind != request_kind::create && is_known) {
        r.protocol = rows[which % rows.size()].protocol;
        r.block = rows[which % rows.size()].block;
        return r;
    }
    r.protocol = which % 2 == 0 ? transport::tcp : transport::udp;
    r.block = {static_cast<std::uint16_t>(lowest_port + which / 2 % 20 * 3), 1u + which / 40 % 10};
    if (which % 41 == 1) r.block = {0, 2};
    if (which % 41 == 2) r.block.count = 0;
    if (which % 41 == 3) r.block = {65534, 3};
    if (r.kind == request_kind::create && r.protocol == transport::tcp && which % 3 == 0) r.use = tcp_use::connect;
    return r;
}

bool daemon_world::ask(const step& s) {
    auto* const c = pick(s.with[0], [](const client& x) {
        return !x.is_consumer && !x.is_rude && !x.waits_for_answer() && !x.is_lost();
    });
    return c != nullptr && c->ask(request_for(s));
}

void daemon_world::read(client& c) {
    const auto had = c.has.size();
    if (auto wrong = c.read(machine_); !wrong.empty() && books_.broke.empty()) books_.broke = std::move(wrong);
    if (c.has.size() > had) reached_(daemon_mark::fetched, c.has.size() - had);
    look_at_answers(c);
}

void daemon_world::look_at_answers(client& c) {
    for (const auto& a : c.answers) {
        if (a.error == errc::permission_denied) reached_(daemon_mark::stranger_refused);
        if (a.error == errc::reservation_busy) reached_(daemon_mark::busy_remove);
        if (a.error != errc{}) continue;
        if (a.kind == request_kind::create) old_tokens_.push_back(a.token.value());
        if (a.kind == request_kind::take) reached_(daemon_mark::taken);
    }
    c.answers.clear();
}

bool daemon_world::connect(const step& s) {
    auto& c = clients_[s.with[0] % clients_.size()];
    if (!door_ || door_->waiting.size() > 4 || (c->is_alive() && !c->is_rude && !c->is_lost())) return false;
    const auto which = s.with[1] % 16 == 15 ? 4u : s.with[1] % 4u;
    c->die();
    c = std::make_unique<client>(next_client_++, who_is(which), which != 4);
    books_.begins(c->number, c->may_ask);
    c->connect(machine_, *door_);
    return true;
}

}  // namespace berth::simulation
