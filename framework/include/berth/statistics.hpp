// A reservation's books: ports by state, failures by cause, sampled latency of take.
//
// Invariant: available + taken + open + draining + cooling + condemned == the block's size, per protocol. Each port
// is read once, so the sum holds in every snapshot, also while other threads work.
#pragma once

#include <berth/error.hpp>

#include <array>
#include <cstdint>

namespace berth {

struct port_counts {
    std::uint32_t available = 0;  ///< can be taken now
    std::uint32_t taken = 0;      ///< drawn, not yet open
    std::uint32_t open = 0;       ///< with a worker
    std::uint32_t draining = 0;   ///< being given back
    std::uint32_t cooling = 0;    ///< resting
    std::uint32_t condemned = 0;  ///< its session socket must be replaced first

    [[nodiscard]] constexpr std::uint32_t total() const noexcept {
        return available + taken + open + draining + cooling + condemned;
    }
    constexpr port_counts& operator+=(const port_counts& o) noexcept {
        available += o.available, taken += o.taken, open += o.open;
        draining += o.draining, cooling += o.cooling, condemned += o.condemned;
        return *this;
    }
};

/// Counters since reserve. A snapshot: each figure is exact at some instant of the call.
struct reservation_statistics {
    port_counts ports;                ///< both protocols added where the block has both
    std::uint64_t takes = 0;          ///< ports handed to workers
    std::uint64_t gives_back = 0;     ///< ports that came back
    std::uint64_t exhausted = 0;      ///< takes refused with block_exhausted
    std::uint64_t condemned = 0;      ///< session sockets condemned
    std::uint64_t renewed = 0;        ///< session sockets replaced after that
    std::uint64_t open_failures = 0;  ///< a parked socket could not be opened; another port was tried
    std::uint64_t not_silent = 0;     ///< cool-downs prolonged because old traffic still came
    std::uint64_t discarded = 0;      ///< datagrams and queued clients of old sessions thrown away
    /// Sampled latency of take (one in 1,024): bucket i counts samples in [2^i, 2^(i+1)) nanoseconds.
    std::array<std::uint64_t, 32> take_latency{};
    /// Draws and binds that failed, by cause: indexed by errc.
    std::array<std::uint64_t, errc_count> failures{};

    [[nodiscard]] constexpr std::uint64_t failures_of(errc cause) const noexcept {
        return failures[static_cast<std::size_t>(cause)];
    }
};

}  // namespace berth
