// Connections that stay: each sends a message, waits for all of its echo, and sends the next.
#pragma once

#include "loopback/load/client_socket.hpp"

#include <vector>

namespace berth::bench {

class tcp_echo_load : public load {
public:
    tcp_echo_load(const scenario& s, std::uint16_t port, nanoseconds patience);
    load_outcome run(nanoseconds duration, recorder& latency) override;

private:
    struct connection {
        client_socket socket;
        std::size_t missing = 0;  // bytes of the echo that is awaited
        nanoseconds sent = 0;
    };
    void send(connection& c, nanoseconds at);
    /// Whether the echo is complete.
    bool receive(connection& c);

    nanoseconds patience_;
    std::vector<char> message_, answer_;
    std::vector<connection> connections_;
    event_queue events_;
};

}  // namespace berth::bench
