// Which port goes to which destination: a draw claims a tuple and a session socket of its port, or neither.
//
// A slot is a session socket: slot = port's index * sessions + which of the port's. Invariant: a tuple is in exactly
// one place: free in its destination's set, with the slot that holds it, or resting; each that is not free pins its
// set. All members are thread-safe; claim and give_back of a known destination take no lock and do not allocate.
// `none` of a draw is exact: the returns of both sides (the destination's tuples, the block's slots) were the same
// before and after a look at all pairs that found none, so at the instant when that look ended there was none.
#pragma once

#include "claim/claim_set.hpp"
#include "outbound/destination_table.hpp"

#include <berth/error.hpp>
#include <berth/reservation_request.hpp>
#include <berth/statistics.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

namespace berth::outbound {

class tuple_sets {
public:
    using clock = std::uint64_t (*)() noexcept;
    /// TIME_WAIT's length. How long a refused tuple has been in it already nobody says.
    static constexpr std::chrono::nanoseconds rest = std::chrono::seconds(60);

    /// Throws std::bad_alloc.
    tuple_sets(std::uint32_t ports, std::uint32_t sessions, draw_order order, clock now);

    /// A slot whose port is free for `d`; the slot is claimed from `slots`, and the tuple is its own.
    /// claim::none: block_exhausted, too_many_destinations, no_memory.
    std::uint32_t claim(const destination& d, claim::claim_set& slots, errc& why) noexcept;

    /// The slot's tuple, if it has one, is free again.
    void give_back(std::uint32_t slot) noexcept;
    /// The system has the slot's tuple in use: it rests.
    void refuse(std::uint32_t slot) noexcept;

    /// What has rested for its time is free again. Returns how many tuples.
    std::uint32_t wake_rested() noexcept;

    [[nodiscard]] outbound_counts counts() const noexcept;
    [[nodiscard]] const destination_table& table() const noexcept { return table_; }

private:
    static constexpr std::uint32_t no_set = destination_table::none;
    struct resting_tuple {
        std::uint32_t set, port;
        std::uint64_t until;
    };
    [[nodiscard]] std::uint32_t start() noexcept;
    std::uint32_t pin(const destination& d, errc& why) noexcept;
    std::uint32_t wake_until(std::uint64_t now) noexcept;

    const std::uint32_t ports_, sessions_;
    const bool in_turn_;
    const clock clock_;
    destination_table table_;
    std::unique_ptr<std::atomic<std::uint32_t>[]> set_of_slot_;  // written by the slot's owner alone
    std::atomic<std::uint32_t> turn_{0};
    std::atomic<std::uint64_t> draws_{0}, met_taken_{0};
    std::atomic<std::uint64_t> next_wake_{~std::uint64_t{0}};
    mutable std::mutex resting_mutex_;
    std::deque<resting_tuple> resting_;  // by the time when they wake
};

}  // namespace berth::outbound
