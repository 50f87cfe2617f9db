// What a filler child does, and the words it is told in. One order, one answer; it ends when its channel does.
#pragma once

#include "bind_latency/filler.hpp"

#include <cstddef>
#include <cstdint>

namespace berth::bench {

enum filler_verb : std::uint8_t { bind_any, bind_listed, connect_any, let_go };

struct filler_order {
    std::uint8_t verb = let_go;
    protocol transport = protocol::udp;
    std::uint16_t listener = 0;  // connect_any: loopback port
    std::uint32_t count = 0;     // bind_listed: so many port numbers follow
};

struct filler_answer {
    std::int32_t error = 0;   // errno of what stopped it; 0: all done
    std::uint32_t count = 0;  // so many port numbers follow
};

bool send_all(int channel, const void* data, std::size_t size) noexcept;
bool receive_all(int channel, void* data, std::size_t size) noexcept;

[[noreturn]] void run_filler_child(int channel) noexcept;

}  // namespace berth::bench
