// How a listener_pool or an acceptor_pool grows, and its books.
#pragma once

#include <berth/statistics.hpp>

#include <array>
#include <cstdint>

namespace berth::inline v0_1 {

/// How a pool grows. Further blocks are wildcard ones, whatever the first one is.
struct pool_growth {
    std::uint32_t grow_by = 0;    ///< ports of each further block; 0: the pool never grows
    std::uint32_t most = 65535;   ///< ports of all blocks together; the last block may be smaller
    std::uint32_t low_water = 0;  ///< fewer available ports than this: the next block is reserved, in the background
};

/// A pool's books: each figure is exact at some instant of the call. What is counted is of the blocks that it holds.
struct pool_statistics {
    std::uint32_t blocks = 0;
    port_counts ports;             ///< available, open, cooling … of all blocks
    std::uint64_t takes = 0;       ///< ports handed out
    std::uint64_t gives_back = 0;  ///< ports that came back
    /// Sampled latency of take, as in reservation_statistics.
    std::array<std::uint64_t, 32> take_latency{};
    std::uint64_t exhausted = 0;        ///< draws that found nothing in any block
    std::uint64_t growths = 0;          ///< further blocks
    std::uint64_t growths_refused = 0;  ///< further blocks that could not be reserved: failure() says why
};

}  // namespace berth::v0_1
