// What becomes of a port that came back: it rests, is available at once, or waits for a new socket. See port_lane.hpp.
#include "port_lane.hpp"

#include <algorithm>

namespace berth::detail {

void port_lane::settle(std::uint32_t index, const platform::park_result& parked) noexcept {
    if (parked.discarded != 0) counters_.discarded.fetch_add(parked.discarded, std::memory_order_relaxed);
    if (parked.condemned) {
        condemn(index);
    } else {
        rest(index);
    }
}

void port_lane::make_available(std::uint32_t index) noexcept {
    if (!stranded_.none() && stranded_.is_marked(index)) return condemn(index);
    if (outbound_.load(std::memory_order_acquire) != nullptr) end_tuple(index);
    enter(index, port_state::available);
    claims_.put_back(index);
}

void port_lane::rest(std::uint32_t index) noexcept {
    if (cool_down_ == 0 && silence_ == 0) return make_available(index);
    if (heard_) heard_[index] = block_->heard(index);
    enter(index, port_state::cooling);
    claims_.cool(index, clock_() + std::max(cool_down_, silence_));  // a shorter rest could not show the silence
}

void port_lane::condemn(std::uint32_t index) noexcept {
    counters_.condemned.fetch_add(1, std::memory_order_relaxed);
    if (outbound_.load(std::memory_order_acquire) != nullptr) end_tuple(index);
    enter(index, port_state::condemned);
    condemned_.mark(index);
}

// Old traffic that still comes prolongs the rest: nothing of it may reach the next session.
bool port_lane::finish_rest(std::uint32_t index, std::uint64_t now) noexcept {
    if (heard_) {
        const std::uint32_t heard = block_->heard(index);
        if (heard != heard_[index]) {
            heard_[index] = heard;
            counters_.not_silent.fetch_add(1, std::memory_order_relaxed);
            claims_.cool(index, now + silence_);
            return false;
        }
    }
    make_available(index);
    return true;
}

std::uint32_t port_lane::wake_rested() noexcept {
    const std::uint64_t now = clock_();
    std::uint32_t woken = 0;
    // Bounded by the block: a port that is prolonged goes to the end of the queue with a later time.
    for (std::uint32_t i = 0; i < indices(); ++i) {
        const std::uint32_t index = claims_.next_due(now);
        if (index == claim::none) break;
        if (finish_rest(index, now)) ++woken;
    }
    return woken;
}

}  // namespace berth::detail
