// Off the fast path: ports that came free by themselves, and session sockets that must be replaced.
//
// One thread at a time; a second one does not wait, it goes without. Looking for closed sockets reads this process's
// descriptors once for all ports in question.
#include "port_lane.hpp"
#include "reservation_core.hpp"

#include <new>

namespace berth::detail {

// Who looks needs memory. Without it nothing has changed, and the next one looks again.
std::uint32_t port_lane::reclaim() noexcept {
    try {
        return look_for_free();
    } catch (const std::bad_alloc&) {
        return 0;
    }
}

std::uint32_t port_lane::look_for_free() {
    if (core_.is_forked()) return 0;
    const std::unique_lock lock(reclaiming_, std::try_to_lock);
    if (!lock || core_.now() != phase::held) return 0;
    std::uint32_t back = claims_.anything_cooling() ? wake_rested() : 0;
    if (!with_callers_.none() || !watched_.none()) back += look_for_closed();
    if (!with_priors_.none()) back += look_at_priors();
    if (!condemned_.none() && core_.source() != nullptr) {
        core_.source()->send_condemned(*this);
    } else if (!condemned_.none() && !keeps_sessions_) {
        back += renew_condemned();
    }
    return back;
}

std::uint32_t port_lane::look_for_closed() {
    std::vector<std::uint32_t> candidates;
    std::vector<platform::named_by> names;
    with_callers_.for_each([&](std::uint32_t index) { candidates.push_back(index); });
    watched_.for_each([&](std::uint32_t index) {
        if (!with_priors_.is_marked(index)) candidates.push_back(index);
    });
    block_->find_named(candidates, lent_ports(), names);
    std::uint32_t back = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const std::uint32_t index = candidates[i];
        if (names[i] == platform::named_by::descriptor) continue;
        if (with_callers_.unmark(index)) {
            enter(index, port_state::draining);
        } else if (!watched_.unmark(index)) {
            continue;  // its owner was quicker
        }
        settle_returned(index, names[i]);
        if (state(index) == port_state::available) ++back;
    }
    return back;
}

// Their owners hold the session socket's own descriptor; a caller of bind() has another one.
std::vector<std::uint32_t> port_lane::lent_ports() const {
    std::vector<std::uint32_t> lent;
    for (std::uint32_t index = 0; index < block_->held(); ++index) {
        if (state(index) == port_state::open && !with_callers_.is_marked(index)) lent.push_back(index);
    }
    return lent;
}

// An event queue that a closed descriptor left behind would hear of the next session, and only the socket's end takes
// the registration away: renew.
void port_lane::settle_returned(std::uint32_t index, platform::named_by by) noexcept {
    auto parked = block_->park(index, true);
    parked.condemned = parked.condemned || by == platform::named_by::event_queue;
    settle(index, parked);
}

std::uint32_t port_lane::renew_condemned() noexcept {
    std::uint32_t back = 0;
    condemned_.for_each([&](std::uint32_t index) {
        if (block_->renew(index) != platform::renewal::renewed || !condemned_.unmark(index)) return;
        counters_.renewed.fetch_add(1, std::memory_order_relaxed);
        rest(index);
        if (state(index) != port_state::cooling) ++back;
    });
    return back;
}

// The caller closed its socket and says so. One look serves all ports that wait for one, and its cost is that of the
// process's descriptors: where that is much, ports are gathered as long as more are available than wait, so that no
// draw has to look.
void port_lane::callers_socket_closed(std::uint32_t index) noexcept {
    constexpr std::uint64_t cheap_look = 200'000;  // nanoseconds
    constexpr std::uint32_t enough_to_look = 32;
    const std::lock_guard lock(reclaiming_);
    if (core_.now() != phase::held || !with_callers_.unmark(index)) return;
    enter(index, port_state::draining);
    watched_.mark(index);
    const std::uint32_t waiting = watched_.count();
    if (look_cost_ > cheap_look && waiting % enough_to_look != 0 && waiting < claims_.available()) return;
    const std::uint64_t began = clock_();
    try {
        look_for_closed();
    } catch (const std::bad_alloc&) {  // it is watched: the next look finds it
    }
    look_cost_ = clock_() - began;
}

}  // namespace berth::detail
