// Honest voice calls through a relay, each with a datagram every 20 ms to a peer that echoes it: what of it arrives,
// and how long it takes, is what clients notice of a siege.
#pragma once

#include "measure/recorder.hpp"
#include "relay/echo_peer.hpp"
#include "relay/turn_clients.hpp"

#include <cstdint>
#include <vector>

namespace berth::bench {

class calls {
public:
    /// Allocates and binds channels. Throws std::runtime_error, server_silent.
    calls(std::uint16_t server_port, const account& who, std::uint32_t count);

    /// Sends what is due, echoes, and takes what came. Call it every millisecond or so.
    void turn();
    /// Waits for what is under way, a second at most; nothing is sent.
    void hang_up();
    /// From here on it counts.
    void start_counting();

    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
    [[nodiscard]] std::uint64_t arrived() const noexcept { return latency_.seen(); }
    [[nodiscard]] const recorder& latency() const noexcept { return latency_; }

private:
    struct stamp {
        nanoseconds sent;
        std::uint64_t round;
    };
    void take();

    turn_clients clients_;
    client_range who_;
    echo_peer peer_;
    std::vector<std::uint8_t> datagram_;
    std::vector<nanoseconds> due_;
    recorder latency_;
    std::uint64_t sent_ = 0, round_ = 0;
};

}  // namespace berth::bench
