// Ports that change hands between processes with their sockets parked: lent and brought back on the side of who
// holds the block, received and sent back on the side of who draws from it. See port_lane.hpp.
#include "port_lane.hpp"
#include "reservation_core.hpp"

namespace berth::detail {

std::uint32_t port_lane::ready() noexcept {
    if (claims_.anything_cooling()) wake_rested();
    return claims_.available();
}

std::uint32_t port_lane::lend() noexcept {
    if (claims_.anything_cooling()) wake_rested();
    const std::uint32_t index = claims_.claim();
    if (index != claim::none) enter(index, port_state::open);
    return index;
}

std::uint32_t port_lane::lend_pair() noexcept {
    if (claims_.anything_cooling()) wake_rested();
    const std::uint32_t even = claims_.claim_pair();
    if (even == claim::none) return even;
    enter(even, port_state::open);
    enter(even + 1, port_state::open);
    return even;
}

bool port_lane::lend_given(std::uint32_t index) noexcept {
    if (claims_.anything_cooling()) wake_rested();
    if (!claims_.claim_given(index)) return false;
    enter(index, port_state::open);
    return true;
}

void port_lane::bring_back(std::uint32_t index, brought how) noexcept {
    enter(index, port_state::draining);
    const auto parked = block_->park(index, true);
    if (parked.discarded != 0) counters_.discarded.fetch_add(parked.discarded, std::memory_order_relaxed);
    if (parked.condemned || how == brought::spoilt) return condemn(index);
    if (how == brought::rested) return make_available(index);
    rest(index);
}

bool port_lane::renew(std::uint32_t index) noexcept {
    const std::lock_guard lock(reclaiming_);
    if (!condemned_.is_marked(index) || block_->renew(index) != platform::renewal::renewed) return false;
    condemned_.unmark(index);
    counters_.renewed.fetch_add(1, std::memory_order_relaxed);
    rest(index);
    return true;
}

bool port_lane::is_here(std::uint32_t index) const noexcept {
    return state(index) != port_state::unreserved || live_on_.is_marked(index);
}

error_code port_lane::receive(std::uint32_t index, platform::native_socket session) noexcept {
    if (const auto ec = block_->receive(index, session)) return ec;
    stranded_.unmark(index);
    make_available(index);
    return {};
}

// Collecting by a release and this exclude one another: both need the port to be available, and claim it.
bool port_lane::send_back(std::uint32_t index) noexcept {
    if (state(index) != port_state::available || !claims_.claim_given(index)) return false;
    leave(index);
    return true;
}

bool port_lane::send_condemned_back(std::uint32_t index) noexcept {
    if (!condemned_.unmark(index)) return false;
    leave(index);
    return true;
}

void port_lane::leave(std::uint32_t index) noexcept {
    stranded_.unmark(index);
    block_->drop(index);
    enter(index, port_state::unreserved);
}

// Marked before it is claimed: a draw that is quicker keeps the port, and its give back sees the mark.
void port_lane::strand() noexcept {
    for (std::uint32_t i = 0; i < indices(); ++i) {
        if (state(i) == port_state::unreserved) continue;
        stranded_.mark(i);
        send_back(i);
    }
}

void port_lane::lives_on(std::uint32_t index) noexcept {
    live_on_.mark(index);
    core_.a_socket_lives_on();
}

}  // namespace berth::detail
