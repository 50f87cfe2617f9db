// What stands still while strategies take turns: one transport, one occupancy, so many threads.
#pragma once

#include "bind_latency/filler.hpp"

#include <berth/port_block.hpp>

#include <cstdint>
#include <vector>

namespace berth::bench {

class drained_listener;

struct scene {
    protocol transport = protocol::udp;
    fill_style fill = fill_style::none;
    double occupancy = 0;  // percent of the kernel's range, and of berth's block
    unsigned threads = 1;
    port_block range{};                     // what the kernel chooses from
    std::vector<std::uint16_t> free_ports;  // of the range, random order
    std::uint32_t block_ports = 3072;       // size of berth's block
    drained_listener* server = nullptr;     // outbound: who is connected to, on loopback
};

/// How many of `total` are occupied at `percent`; four stay free whatever the percentage, for the takers.
[[nodiscard]] inline std::uint32_t occupied_of(std::uint32_t total, double percent) noexcept {
    const auto wanted = static_cast<std::uint32_t>(static_cast<double>(total) * percent / 100.0);
    const std::uint32_t most = total > 4 ? total - 4 : 0;
    return wanted < most ? wanted : most;
}

}  // namespace berth::bench
