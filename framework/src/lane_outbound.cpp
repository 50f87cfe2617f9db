// Draws for a destination: a tuple and a session socket of its port, together or neither.
//
// The tuple goes along with the index that holds it, and is free again when that one is available or condemned: its
// connection is over by then. One that ends in a way of its own (a caller's copy lives on) keeps its tuple as long.
#include "outbound/tuple_sets.hpp"
#include "port_lane.hpp"
#include "reservation_core.hpp"

#include <new>
#include <utility>

namespace berth::detail {

port_lane::~port_lane() { delete outbound_.load(); }

// Blocks that never connect by destination have no sets.
outbound::tuple_sets* port_lane::outbound(error_code& ec) noexcept {
    if (auto* const sets = outbound_.load(std::memory_order_acquire)) return sets;
    try {
        const std::lock_guard lock(reclaiming_);
        if (auto* const sets = outbound_.load()) return sets;
        auto made =
            std::make_unique<outbound::tuple_sets>(numbers_.count, sessions_, core_.request().order, clock_);
        outbound_.store(made.get(), std::memory_order_release);
        return made.release();
    } catch (const std::bad_alloc&) {
        core_.fail(errc::no_memory, ec);
        return nullptr;
    }
}

bound_port port_lane::take_toward(const outbound::destination& d, error_code& ec) noexcept {
    if (!may_draw(ec)) return {};
    auto* const sets = outbound(ec);
    if (sets == nullptr) return {};
    for (bool may_look = true;;) {
        if (claims_.anything_cooling()) wake_rested();
        errc why{};
        const std::uint32_t index = sets->claim(d, claims_, why);
        if (index == claim::none) {
            if (why == errc::block_exhausted && std::exchange(may_look, false) && reclaim() != 0) continue;
            if (core_.now() != phase::held) {
                if (is_over(ec)) return {};
                continue;
            }
            if (why != errc::block_exhausted) return core_.fail(why, ec), bound_port();
            if (!fetch(port_source::need::any, 0, ec)) return {};
        } else if (!confirm(index)) {
            if (is_over(ec)) return {};
        } else if (open(index)) {  // else condemned: there are fewer each time round
            return {this, index};
        }
    }
}

void port_lane::refuse(std::uint32_t index) noexcept {
    if (core_.is_forked()) return;
    if (auto* const sets = outbound_.load(std::memory_order_acquire)) sets->refuse(index);
}

void port_lane::end_tuple(std::uint32_t index) noexcept {
    outbound_.load(std::memory_order_acquire)->give_back(index);
}

}  // namespace berth::detail
