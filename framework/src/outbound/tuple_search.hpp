// A tuple and a session socket of its port, claimed together or neither.
//
// `none` is exact: the returns of both sides were the same before and after a look at all pairs that found none. What
// that look saw in use stayed so until its end, so at that instant there was no pair. A look is repeated only if
// something came back meanwhile, so whoever searches never waits for another thread.
#pragma once

#include "claim/port_bitmap.hpp"
#include "outbound/tuple_set.hpp"

#include <cstdint>

namespace berth::outbound {

/// A slot whose port is free in `tuples`, the first from the port `start` on; none: this look found no pair.
template <class Tuples, class Slots>
std::uint32_t look_for_pair(Tuples tuples, Slots& slots, std::uint32_t sessions, std::uint32_t start) noexcept {
    std::uint32_t slot = claim::none;
    tuples.claim(
        start, [&](std::uint32_t port) { return slots.any_between(port * sessions, sessions); },
        [&](std::uint32_t port) {
            slot = slots.claim_between(port * sessions, sessions);
            return slot != claim::none;
        });
    return slot;
}

/// none: at some instant of the call there was no pair.
template <class Tuples, class Slots>
std::uint32_t claim_pair(Tuples tuples, Slots& slots, std::uint32_t sessions, std::uint32_t start) noexcept {
    std::uint32_t slot = look_for_pair(tuples, slots, sessions, start);
    if (slot != claim::none) [[likely]]
        return slot;
    const auto returns = [&] { return tuples.returns() + slots.returns(); };
    for (std::uint64_t before = returns();;) {
        slot = look_for_pair(tuples, slots, sessions, start);
        const std::uint64_t after = returns();
        if (slot != claim::none || after == before) return slot;
        before = after;
    }
}

}  // namespace berth::outbound
