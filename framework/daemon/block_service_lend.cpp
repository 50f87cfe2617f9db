// What the consumers' desk needs of the blocks; see block_service.hpp.
//
// A condemned port's session socket is taken from the descriptor store before it is replaced, because whoever names
// the old one keeps it alive, and the new one is put there afterwards. A death in between leaves a holder without a
// session socket, which the next daemon gives a new one. Never the other way round: a session socket without its
// holder would be in the way of the next daemon for as long as the descriptor store lives. So one that does not hold
// all that it should gets the new socket from renew_keeper(), after the holder.
#include "block_service.hpp"
#include "log_line.hpp"

#include <algorithm>

namespace berth::daemon {
namespace {

constexpr std::size_t renewals_a_turn = 8;  // each is a look at the system's table, a bind and another look

}  // namespace

const stored_block* block_service::row_of(reservation_token token) const noexcept {
    const stored_block* found = nullptr;
    for (const auto& row : blocks()) {  // all of them: the time tells a guesser nothing
        if ((row.token.value() ^ token.value()) == 0) found = &row;
    }
    return found;
}

const stored_block* block_service::row_of(std::uint64_t id) const noexcept {
    const auto it = std::find_if(blocks().begin(), blocks().end(), [&](const auto& b) { return b.id == id; });
    return it == blocks().end() ? nullptr : &*it;
}

detail::port_lane* block_service::lane_of(std::uint64_t id) const noexcept {
    const auto it = held_.find(id);
    return it == held_.end() ? nullptr : it->second->only_lane();
}

bool block_service::work() {
    const bool more = desk_.work();
    renew_ports(renewals_a_turn);
    return more || !to_renew_.empty();
}

void block_service::condemned(std::uint64_t id, std::uint32_t index) {
    to_renew_.push_back({id, index});
    const auto* const row = row_of(id);
    if (row == nullptr) return;
    const kept_key key{id, static_cast<std::uint16_t>(row->block.first + index), socket_role::session};
    failure f;
    keeper_.remove(std::span(&key, 1), f);
    if (f) keeper_failed(f);
}

// What the descriptor store had may have been in other hands until a moment ago: each socket that is not out now is
// made as new before it is lent, or condemned.
void block_service::look_through(std::uint64_t id, detail::port_lane& lane, const std::vector<bool>& inherited) {
    for (std::uint32_t i = 0; i < inherited.size(); ++i) {
        if (!inherited[i] || !lane.lend_given(i)) continue;
        lane.bring_back(i, detail::port_lane::brought::rested);
        if (lane.is_condemned(i)) condemned(id, i);
    }
}

bool block_service::is_renewing(std::uint64_t id) const noexcept {
    return std::any_of(to_renew_.begin(), to_renew_.end(), [&](const auto& p) { return p.block == id; });
}

void block_service::renew_ports(std::size_t most) {
    for (; most != 0 && !to_renew_.empty(); --most) {
        const auto port = to_renew_.back();
        to_renew_.pop_back();
        auto* const lane = lane_of(port.block);
        if (lane == nullptr || !lane->is_condemned(port.index)) continue;
        const kept_key key{port.block, lane->port_at(port.index), socket_role::session};
        failure f;
        keeper_.remove(std::span(&key, 1), f);
        if (f) keeper_failed(f);
        if (f || !lane->renew(port.index)) {
            to_try_again_.push_back(port);
            continue;
        }
        const kept_socket fresh{key, static_cast<int>(lane->session(port.index))};
        if (!keeper_is_lost_) keeper_.put(std::span(&fresh, 1), f);  // else it may lack the holder
        if (f) keeper_failed(f);
        log_line(log_level::info, "renewed").with("port", lane->port_at(port.index));
        desk_.serve_waiting(port.block);
    }
}

}  // namespace berth::daemon
