// Sockets that each keep a window of datagrams under way: for each that comes back a new one is sent, those that came
// together also together; or, in bursts, a whole window when the whole window came back. A datagram carries the time
// it was sent and the slice it belongs to.
#pragma once

#include "loopback/load/client_socket.hpp"

#include <vector>

namespace berth::bench {

class udp_echo_load : public load {
public:
    udp_echo_load(const scenario& s, std::uint16_t port, nanoseconds patience);

    /// A slice in which datagrams were lost ends when nothing has come for a while; lost ones are not sent again.
    load_outcome run(nanoseconds duration, recorder& latency) override;

private:
    struct stamp {
        nanoseconds sent = 0;
        std::uint64_t slice = 0;
    };
    /// Returns how many were sent.
    unsigned send(const client_socket& to, unsigned count);

    nanoseconds patience_;
    std::size_t size_;
    unsigned window_;
    unsigned at_least_;  // so many must have come back before new ones are sent
    std::uint64_t slice_ = 0;
    std::vector<char> memory_;  // a window of datagrams
    std::vector<iovec> pieces_;
    std::vector<mmsghdr> messages_;
    struct client {
        client_socket socket;
        unsigned returned = 0;  // and not sent again yet
    };
    std::vector<client> clients_;
    event_queue events_;
};

}  // namespace berth::bench
