// Linear probing: start anywhere in the range and try one port after the other, once round.
#include "bind_latency/strategies/all.hpp"
#include "bind_latency/strategies/probing.hpp"

namespace berth::bench {
namespace {

bool once_round(bare_socket& socket, port_block range, xorshift& draw) noexcept {
    std::uint32_t offset = draw.below(range.count);
    for (std::uint32_t tries = 0; tries < range.count; ++tries) {
        if (socket.bind(static_cast<std::uint16_t>(range.first + offset))) return true;
        if (++offset == range.count) offset = 0;
    }
    return false;
}

}  // namespace

strategy_entry linear_probe_entry() {
    return {"linear_probe", "linear probing", "socket + binds to one port after the other + listen",
            approach::program, make_strategy<probing<once_round>>};
}

}  // namespace berth::bench
