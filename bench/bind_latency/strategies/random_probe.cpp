// Random probing as TURN and WebRTC stacks do it: draw a port, try to bind it, ten times at most, then give up.
//
// Attempts that give up are in the percentiles, and are counted as failures.
#include "bind_latency/strategies/all.hpp"
#include "bind_latency/strategies/probing.hpp"

namespace berth::bench {
namespace {

constexpr int most_tries = 10;

bool ten_at_random(bare_socket& socket, port_block range, xorshift& draw) noexcept {
    for (int tries = 0; tries < most_tries; ++tries)
        if (socket.bind(static_cast<std::uint16_t>(range.first + draw.below(range.count)))) return true;
    return false;
}

}  // namespace

strategy_entry random_probe_entry() {
    return {"random_probe", "random probing, 10 tries", "socket + up to 10 binds to random ports + listen",
            approach::program, make_strategy<probing<ten_at_random>>};
}

}  // namespace berth::bench
