// Connections that come and go: connect, one message, its echo, an abortive close; so many at the same time.
#pragma once

#include "loopback/load/client_socket.hpp"

#include <vector>

namespace berth::bench {

class tcp_churn_load : public load {
public:
    tcp_churn_load(const scenario& s, std::uint16_t port, nanoseconds patience);
    load_outcome run(nanoseconds duration, recorder& latency) override;

private:
    struct visit {
        client_socket socket;
        std::size_t missing = 0;
        nanoseconds began = 0;
    };
    void begin(std::uint32_t index);

    nanoseconds patience_;
    std::uint16_t port_;
    std::vector<char> message_, answer_;
    std::vector<visit> visits_;
    event_queue events_;
};

}  // namespace berth::bench
