// What a port costs in memory, by glibc's books of the heap.
#include "claim/claim_set.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>

namespace {

using berth::draw_order;
using berth::claim::claim_set;

std::size_t bytes_of(std::uint32_t count, draw_order order) {
    const auto in_use = [] {
        const auto info = ::mallinfo2();
        return info.uordblks + info.hblkhd;
    };
    const std::size_t before = in_use();
    const auto set = std::make_unique<claim_set>(std::uint16_t{1}, count, order);
    return in_use() - before;
}

TEST(claim_set, an_idle_port_costs_at_most_24_bytes) {
    if (bytes_of(1024, draw_order::random) == 0) GTEST_SKIP() << "this build's allocator keeps no books";
    for (const std::uint32_t count : {64u, 1024u, 16384u, 65534u}) {
        EXPECT_LE(bytes_of(count, draw_order::random) / count, 24u) << count << " ports";
    }
    // The order takes a slot and a mark a port.
    EXPECT_LE(bytes_of(16384, draw_order::first_in_first_out) / 16384, 26u);
}

}  // namespace
