// A block of contiguous ports: a value, host byte order. first == 0 asks for a wildcard block of that size.
//
// Invariant of a valid block: count >= 1 and first + count <= 65536, computed in 32 bits so that nothing wraps.
// The documents' INET_PORT_RANGE (SIO_ACQUIRE_PORT_RESERVATION) is this value in network byte order.
#pragma once

#include <cstdint>

namespace berth::inline v0_1 {

struct port_block {
    std::uint16_t first = 0;  ///< first port, host byte order; 0: any block of `count` ports (wildcard)
    std::uint32_t count = 1;  ///< ports in the block

    /// True if the caller leaves the choice of ports to berth.
    [[nodiscard]] constexpr bool is_wildcard() const noexcept { return first == 0; }

    /// True if the block is not empty and does not run past port 65535. A wildcard block has at most 65,535 ports.
    [[nodiscard]] constexpr bool is_valid() const noexcept {
        return count >= 1 && count <= 65536u - (is_wildcard() ? 1u : first);
    }

    /// True if `port` (host byte order) is one of a specific block's ports. A wildcard block contains none.
    [[nodiscard]] constexpr bool contains(std::uint16_t port) const noexcept {
        return !is_wildcard() && port >= first && std::uint32_t{port} - first < count;
    }

    friend constexpr bool operator==(const port_block&, const port_block&) noexcept = default;
};

/// True if two specific blocks share at least one port. A wildcard block overlaps nothing: it has no ports yet.
[[nodiscard]] constexpr bool overlap(const port_block& a, const port_block& b) noexcept {
    if (a.is_wildcard() || b.is_wildcard()) return false;
    return a.first < b.first + b.count && b.first < a.first + a.count;
}

}  // namespace berth::v0_1
