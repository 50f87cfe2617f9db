// Media through a relay: each client has a channel to an echoing peer and keeps a window of datagrams under way.
//
// One round trip is two relayed datagrams: channel data from the client becomes a datagram to the peer, and back.
#pragma once

#include "measure/recorder.hpp"
#include "relay/echo_peer.hpp"
#include "relay/turn_clients.hpp"

#include <cstdint>
#include <vector>

namespace berth::bench {

struct media_outcome {
    std::uint64_t done = 0;  // datagrams that the server relayed and that arrived, both ways
    std::uint64_t lost = 0;
};

class media {
public:
    /// size: bytes of payload. `who` have allocations; binds their channels. Throws std::runtime_error.
    media(turn_clients& clients, client_range who, std::size_t size, unsigned window);

    media_outcome run(nanoseconds duration, recorder& latency);

private:
    struct stamp {
        nanoseconds sent;
        std::uint64_t slice;
    };
    void send(std::uint32_t client, nanoseconds at);

    turn_clients* clients_;
    client_range who_;
    unsigned window_;
    echo_peer peer_;
    std::vector<std::uint8_t> datagram_;
    std::uint64_t slice_ = 0;
};

}  // namespace berth::bench
