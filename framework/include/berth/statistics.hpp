// A reservation's books: ports by state, failures by cause, sampled latency of take.
//
// Invariant: available + taken + open + draining + cooling + condemned == the block's size, per protocol. Each port
// is read once, so the sum holds in every snapshot, also while other threads work. Of a block with several session
// sockets a port (sessions_per_port) they are what is counted: the size is ports times sessions.
#pragma once

#include <berth/error.hpp>

#include <array>
#include <cstdint>

namespace berth::inline v0_1 {

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

/// Of a block that connects by connect() and async_connect() (outbound.hpp). A tuple: a port and a destination.
struct outbound_counts {
    std::uint32_t destinations = 0;  ///< with a tuple in use or resting; the others cost nothing
    std::uint32_t in_use = 0;        ///< tuples, from the draw until their session socket is available again
    std::uint32_t resting = 0;       ///< tuples that the system refused; it is asked again after a minute
    std::uint64_t draws = 0;         ///< tuples drawn since reserve; each is one attempt to connect
    std::uint64_t met_taken = 0;     ///< attempts that the system refused because the tuple was taken (TIME_WAIT)
};

/// Counters since reserve. A snapshot: each figure is exact at some instant of the call.
struct reservation_statistics {
    port_counts ports;                ///< both protocols added where the block has both
    outbound_counts outbound;
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

}  // namespace berth::v0_1
