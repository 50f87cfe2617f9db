// The rules. Whoever is not expected gets no answer at all: a match is no reflector.
#include "match_room.hpp"

#include <algorithm>

namespace game {

void match_room::admit(std::uint16_t player, std::uint64_t ticket, clock::time_point now) {
    if (players_.size() < most_players) players_.push_back({ticket, {}, now, false, {player, 0, 0, 0}});
}

match_room::seat* match_room::find(std::uint16_t player) noexcept {
    const auto at =
        std::find_if(players_.begin(), players_.end(), [&](const seat& s) { return s.state.player == player; });
    return at == players_.end() ? nullptr : &*at;
}

std::size_t match_room::playing() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(players_.begin(), players_.end(), [](const seat& s) { return s.plays; }));
}

match_room::outcome match_room::receive(std::span<const std::byte> bytes, const udp_endpoint& from,
                                        const cookie_jar& jar, clock::time_point now, std::span<std::byte> out) {
    const auto parsed = parse(bytes);
    if (!parsed) return {verdict::malformed, 0};
    if (const auto* const p = std::get_if<enter>(&*parsed)) return receive_enter(*p, from, jar, now, out);

    const auto known = [&](std::uint16_t player, std::uint32_t key) -> seat* {
        seat* const s = find(player);
        return s != nullptr && s->plays && s->at == from && static_cast<std::uint32_t>(s->ticket) == key ? s
                                                                                                         : nullptr;
    };
    if (const auto* const p = std::get_if<inputs>(&*parsed)) {
        seat* const s = known(p->player, p->key);
        if (s == nullptr) return {verdict::stranger, 0};
        s->heard = now;
        for (std::uint32_t i = 0; i < p->count; ++i) {
            if (p->first + i == s->state.acknowledged) apply(s->state, p->moves[i]);
        }
        return {verdict::good, 0};
    }
    if (const auto* const p = std::get_if<leave>(&*parsed)) {
        seat* const s = known(p->player, p->key);
        if (s == nullptr) return {verdict::stranger, 0};
        gone_.push_back(p->player);
        players_.erase(players_.begin() + (s - players_.data()));
        return {verdict::good, write(out, bye{p->player, why::left})};
    }
    return {verdict::malformed, 0};
}

match_room::outcome match_room::receive_enter(const enter& p, const udp_endpoint& from, const cookie_jar& jar,
                                              clock::time_point now, std::span<std::byte> out) {
    seat* const s = find(p.player);
    if (s == nullptr || s->ticket != p.ticket) return {verdict::stranger, 0};
    if (!jar.is_good(p.cookie, from, now)) {
        return {verdict::good, write(out, cookie{static_cast<std::uint32_t>(p.ticket), jar.cookie_for(from, now)})};
    }
    s->at = from;  // also somebody who plays and whose address has changed
    s->heard = now;
    s->plays = true;
    return {verdict::good, write(out, welcome{p.player, id_})};
}

bool match_room::tick(clock::time_point now, why& reason) {
    std::erase_if(players_, [&](const seat& s) {
        if (now - s.heard < rules_.idle) return false;
        gone_.push_back(s.state.player);
        return true;
    });
    if (now >= over_at_) return reason = why::over, true;
    if (players_.empty()) return reason = why::left, true;
    return false;
}

std::size_t match_room::write_snapshot(std::uint32_t number, std::span<std::byte> out) const {
    snapshot all{id_, number, 0, {}};
    for (const auto& p : players_) {
        if (p.plays) all.players[all.count++] = p.state;
    }
    return write(out, all);
}

}  // namespace game
