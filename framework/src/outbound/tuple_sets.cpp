// Claim, return and rest of tuples; see tuple_sets.hpp.
#include "outbound/tuple_sets.hpp"

#include "claim/draw_source.hpp"
#include "outbound/tuple_search.hpp"

#include <algorithm>
#include <new>
#include <thread>

namespace berth::outbound {
namespace {

constexpr std::size_t most_memory = std::size_t{64} << 20;  // bytes of sets
constexpr std::uint32_t always_allowed = 1024;              // sets
constexpr std::uint32_t under_way = 64;  // draws at the same time that pin a set and have no slot yet

// Each slot that is out pins one set, so this many are never short of memory's limit.
std::uint32_t most_sets(std::uint32_t ports, std::uint32_t slots) noexcept {
    const auto fitting = static_cast<std::uint32_t>(most_memory / destination_table::bytes_of_set(ports));
    return std::min(slots + under_way, std::max(fitting, always_allowed));
}

}  // namespace

tuple_sets::tuple_sets(std::uint32_t ports, std::uint32_t sessions, draw_order order, clock now)
    : ports_(ports),
      sessions_(sessions),
      in_turn_(order == draw_order::first_in_first_out),
      clock_(now),
      table_(ports, most_sets(ports, ports * sessions)),
      set_of_slot_(std::make_unique<std::atomic<std::uint32_t>[]>(std::size_t{ports} * sessions)) {
    for (std::uint32_t i = 0; i < ports * sessions; ++i) set_of_slot_[i].store(no_set, std::memory_order_relaxed);
}

std::uint32_t tuple_sets::start() noexcept {
    if (in_turn_) return turn_.fetch_add(1, std::memory_order_relaxed) % ports_;
    return (std::uint32_t{claim::next_draw().bits} * ports_) >> 16;
}

// What rests pins its set too, and to forget it costs a refusal at most. Where only draws that are under way can be
// what is in the way, they will be over in a moment.
std::uint32_t tuple_sets::pin(const destination& d, errc& why) noexcept {
    for (;;) {
        const std::uint32_t set = table_.pin(d);
        if (set != no_set) return set;
        if (wake_until(~std::uint64_t{0}) != 0) continue;
        why = table_.made() < table_.most() ? errc::no_memory : errc::too_many_destinations;
        if (why == errc::no_memory || table_.most() <= ports_ * sessions_) return no_set;
        std::this_thread::yield();
    }
}

std::uint32_t tuple_sets::claim(const destination& d, claim::claim_set& slots, errc& why) noexcept {
    if (next_wake_.load(std::memory_order_relaxed) != ~std::uint64_t{0}) wake_rested();
    const std::uint32_t set = pin(d, why);
    if (set == no_set) return claim::none;
    const std::uint32_t slot = claim_pair(table_.words(set), slots, sessions_, start());
    if (slot == claim::none) {
        table_.unpin(set);
        why = errc::block_exhausted;
        return slot;
    }
    set_of_slot_[slot].store(set, std::memory_order_relaxed);
    draws_.fetch_add(1, std::memory_order_relaxed);
    return slot;
}

void tuple_sets::give_back(std::uint32_t slot) noexcept {
    const std::uint32_t set = set_of_slot_[slot].load(std::memory_order_relaxed);
    if (set == no_set) return;
    set_of_slot_[slot].store(no_set, std::memory_order_relaxed);
    table_.words(set).put_back(slot / sessions_);
    table_.unpin(set);
}

void tuple_sets::refuse(std::uint32_t slot) noexcept {
    const std::uint32_t set = set_of_slot_[slot].load(std::memory_order_relaxed);
    if (set == no_set) return;
    met_taken_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard lock(resting_mutex_);
    const std::uint64_t until = clock_() + static_cast<std::uint64_t>(rest.count());
    try {
        resting_.push_back({set, slot / sessions_, until});
    } catch (const std::bad_alloc&) {
        return;  // free again with its slot; the system will say so once more
    }
    set_of_slot_[slot].store(no_set, std::memory_order_relaxed);
    if (resting_.size() == 1) next_wake_.store(until, std::memory_order_relaxed);
}

std::uint32_t tuple_sets::wake_rested() noexcept {
    if (next_wake_.load(std::memory_order_relaxed) == ~std::uint64_t{0}) return 0;
    const std::uint64_t now = clock_();
    return next_wake_.load(std::memory_order_relaxed) <= now ? wake_until(now) : 0;
}

std::uint32_t tuple_sets::wake_until(std::uint64_t now) noexcept {
    const std::lock_guard lock(resting_mutex_);
    std::uint32_t woken = 0;
    for (; !resting_.empty() && resting_.front().until <= now; resting_.pop_front(), ++woken) {
        const auto& tuple = resting_.front();
        table_.words(tuple.set).put_back(tuple.port);
        table_.unpin(tuple.set);
    }
    next_wake_.store(resting_.empty() ? ~std::uint64_t{0} : resting_.front().until, std::memory_order_relaxed);
    return woken;
}

outbound_counts tuple_sets::counts() const noexcept {
    outbound_counts c;
    c.destinations = table_.pinned();
    for (std::uint32_t i = 0; i < ports_ * sessions_; ++i) {
        c.in_use += set_of_slot_[i].load(std::memory_order_relaxed) != no_set;
    }
    c.draws = draws_.load(std::memory_order_relaxed);
    c.met_taken = met_taken_.load(std::memory_order_relaxed);
    const std::lock_guard lock(resting_mutex_);
    c.resting = static_cast<std::uint32_t>(resting_.size());
    return c;
}

}  // namespace berth::outbound
