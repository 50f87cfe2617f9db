// Steps that acquire a block or end one: at once, in turns, whole or in pieces.
//
// What a reserve must answer is known beforehand: it succeeds exactly when every port is free and no chance strikes.
#include "simulation/reservation_world.hpp"

#include "simulation/virtual_clock.hpp"

#include <algorithm>

namespace berth::simulation {

reservation_request reservation_world::draw_request(const step& s) {
    reservation_request r;
    r.block.first = static_cast<std::uint16_t>(first_port + s.with[0] % port_count);
    r.block.count = 1 + random_.below(random_.chance(700) ? 4 : 9);
    if (s.with[1] % 64 == 63) r.block.first = 0;
    constexpr transport protocols[] = {transport::udp, transport::udp, transport::tcp, transport::tcp,
                                       transport::tcp_and_udp};
    r.protocol = protocols[random_.below(5)];
    r.use = random_.chance(500) ? tcp_use::listen : tcp_use::connect;
    if (r.protocol == transport::tcp && r.use == tcp_use::connect) {
        r.sessions_per_port = static_cast<std::uint16_t>(1 + random_.below(3));
    }
    r.order = random_.chance(500) ? draw_order::random : draw_order::first_in_first_out;
    constexpr int rests[] = {0, 0, 0, 5, 40};
    r.cool_down = std::chrono::milliseconds(rests[random_.below(5)]);
    r.silence = std::chrono::milliseconds(rests[random_.below(5)]);
    return r;
}

bool reservation_world::is_free_for(const reservation_request& r, port_block b) const {
    for (std::uint32_t i = 0; i < b.count; ++i) {
        const auto n = static_cast<std::uint16_t>(b.first + i);
        if (r.protocol != transport::udp && !kernel_.is_free(true, n)) return false;
        if (r.protocol != transport::tcp && !kernel_.is_free(false, n)) return false;
    }
    return true;
}

std::string reservation_world::reserve(const step& s) {
    const auto r = draw_request(s);
    const bool was_free = is_free_for(r, r.block);
    failure f;
    auto made = port_reservation::reserve(r, f);
    return reserved(r, std::move(made), f, was_free);
}

std::string reservation_world::reserved(const reservation_request& r, port_reservation made, const failure& f,
                                        bool was_free) {
    note(static_cast<std::uint64_t>(f.code.value()));
    if (static_cast<bool>(made) == static_cast<bool>(f)) return "reserve: a reservation and a failure, or neither";
    if (f) {
        marks_(reached::reserve_refused);
        if (f.what.empty()) return "reserve: a failure without a word";
        if (was_free && struck_ == 0 && !r.block.is_wildcard()) return "reserve: refused what was free: " + f.what;
        if (!was_free && struck_ == 0 && f.code != errc::block_unavailable) return "reserve: wrong cause: " + f.what;
        return {};
    }
    const auto given = made.block();
    note(given.first);
    if (!was_free && !r.block.is_wildcard()) return "reserve: succeeded although a port was somebody else's";
    if (!made.token()) return "reserve: no token";
    if (given.count != r.block.count || (!r.block.is_wildcard() && given.first != r.block.first)) {
        return "reserve: another block than was asked for";
    }
    if (made.available() != given.count * r.sessions_per_port * (r.protocol == transport::tcp_and_udp ? 2u : 1u)) {
        return "reserve: not all of it is available";
    }
    for (const auto& other : blocks_) {
        if (other->is_held() && other->owner.token() == made.token()) return "reserve: a token was given out twice";
    }
    marks_(reached::reserved);
    if (r.block.is_wildcard()) marks_(reached::wildcard);
    if (r.sessions_per_port > 1) marks_(reached::several_sessions);
    if (r.protocol == transport::tcp_and_udp) marks_(reached::both_protocols);
    auto b = std::make_shared<reservation_world::block>();
    b->serial = ++serials_;
    b->core = detail::reservation_core::of(made);
    b->owner = std::move(made);
    b->rest = static_cast<std::uint64_t>(std::chrono::nanoseconds(std::max(r.cool_down, r.silence)).count());
    b->silence = static_cast<std::uint64_t>(std::chrono::nanoseconds(r.silence).count());
    blocks_.push_back(std::move(b));
    return {};
}

void reservation_world::begin_reserve(const step& s) {
    under_way_ = std::make_unique<reserve_under_way>();
    under_way_->request = draw_request(s);
    under_way_->turns = std::make_unique<detail::reserve_turns>(under_way_->request, &under_way_->waker);
}

// What waits is told by the kernel, in its own time; a turn before that does nothing.
std::string reservation_world::turn(const step& s) {
    auto& u = *under_way_;
    if (u.turns->is_waiting()) {
        marks_(reached::waited);
        if (s.with[0] % 4 != 0) {
            u.waker.was = false;
            kernel_.end_waits();
            if (!u.waker.was) return "waker: a wait ended, and nobody was told";
        }
    }
    std::uint32_t turns = 1 + s.with[1] % 8;
    while (turns-- != 0 && !u.turns->is_waiting()) {
        if (u.turns->turn()) continue;
        failure f;
        auto made = u.turns->result(f);
        const auto request = u.request;
        under_way_.reset();
        if (f && f.code == errc::operation_aborted) return made ? "reserve: aborted, and made" : "";
        marks_(reached::in_turns);
        const bool is_made = static_cast<bool>(made);
        struck_ += f ? 1 : 0;  // perhaps in an earlier turn, or somebody came and went: any cause may be right
        return reserved(request, std::move(made), f, is_made);
    }
    return {};
}

std::string reservation_world::release(const step& s, bool& did) {
    const auto b = pick(s.with[0]);
    did = b != nullptr && b->is_held();
    if (!did) return {};
    const bool detaches = s.with[1] % 2 != 0;
    const auto handles = static_cast<std::uint32_t>(
        std::count_if(loans_.begin(), loans_.end(), [&](const auto& l) { return l.of == b; }));
    const auto callers = static_cast<std::uint32_t>(std::count_if(
        copies_.begin(), copies_.end(), [&](const auto& c) { return c.bound_to == b && c.number >= 0; }));
    const auto token = b->owner.token();
    failure f;
    b->owner.release(f, detaches ? if_taken::detach : if_taken::refuse);
    note(static_cast<std::uint64_t>(f.code.value()));
    if (f) {
        marks_(reached::busy);
        if (f.code != errc::reservation_busy || detaches) return "release: failed with " + f.code.message();
        // A copy of a caller's socket keeps its port out too.
        if (f.count < handles + callers || f.count > handles + copies_.size()) {
            return "release: counts " + std::to_string(f.count) + " out, they are " +
                   std::to_string(handles + callers);
        }
        return {};
    }
    if (!detaches && handles + callers != 0) return "release: went through although ports are out";
    marks_(detaches && handles != 0 ? reached::detached : reached::released);
    if (b->owner || b->owner.token() || b->owner.available() != 0) return "release: something is left of it";
    failure again;
    b->owner.release(again);
    if (again.code != errc::reservation_released) return "release: it can be released twice";
    error_code ec;
    if (b->owner.take(transport::udp, ec) || !ec) return "release: it still gives ports";
    static_cast<void>(token);
    return {};
}

std::string reservation_world::release_some(block& b) {
    // Only the library's pools release in pieces: through the core.
    failure f;
    const std::uint32_t most = 1 + random_.below(4);
    std::uint32_t times = 0;
    while (b.core->release_some(f, most)) {
        if (++times > 4096) return "release: in pieces, it does not end";
    }
    note(static_cast<std::uint64_t>(f.code.value()));
    if (f && f.code != errc::reservation_busy) return "release: in pieces, failed with " + f.code.message();
    marks_(f ? reached::busy : reached::released);
    return {};
}

std::string reservation_world::drop(const step& s, bool& did) {
    const auto b = pick(s.with[0]);
    did = b != nullptr;
    if (!did) return {};
    const bool is_to_warn = b->is_held() && b->owner.statistics().ports.open != 0;
    const auto before = warnings_;
    b->owner = port_reservation();  // detaches what is out
    return is_to_warn == (warnings_ == before + 1) ? "" : "drop: what is detached is said once, and nothing else is";
}

}  // namespace berth::simulation
