// Clients of a server that is replaced again and again: they count every answer, and everything else.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace berth::test {

struct client_tallies {
    std::uint64_t connections = 0;  ///< opened, echoed, closed
    std::uint64_t refused = 0;      ///< the connect failed
    std::uint64_t cut = 0;          ///< reset or ended before the echo had come
    std::uint64_t silent = 0;       ///< no echo within two seconds
    std::uint64_t datagrams = 0;    ///< answered
    std::uint64_t unanswered = 0;   ///< by their sequence numbers, two seconds later
    std::uint64_t bounced = 0;      ///< the port was closed
};

/// A process with threads that use the ports until it is told to stop. Made before this process has sockets.
class handover_clients {
public:
    handover_clients();
    ~handover_clients();
    void begin(std::uint16_t tcp, const std::vector<std::uint16_t>& udp);
    client_tallies stop();

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

}  // namespace berth::test
