// Plain sockets on loopback, as the world outside a block has them: clients, senders, and somebody to connect to.
#pragma once

#include <netinet/in.h>

#include <cstdint>

namespace berth::test {

sockaddr_in loopback_address(std::uint16_t port);
/// 0 for a socket without a name.
std::uint16_t port_of(int fd);
/// Without TIME_WAIT: what is left on a port must be what somebody has.
void close_hard(int fd);

/// What connect(2) says. `family` is the socket's: to AF_INET6 the address is an IPv4-mapped one.
int connect_to(int fd, int family, std::uint16_t port);
/// A new TCP client; -1 if it was not let in.
int connected_client(std::uint16_t port);
bool readable(int fd, int milliseconds = 2000);
/// -1 if nobody comes.
int accept_within(int listener, int milliseconds = 2000);

/// From a new UDP socket, one byte.
void send_datagram(std::uint16_t port);
/// A datagram is sent to the port; true if the next one in this socket comes at once and has its size.
bool hears(int socket, std::uint16_t port);

/// A plain listener of this process, the destination of outbound ports.
struct destination {
    destination();
    destination(const destination&) = delete;
    destination& operator=(const destination&) = delete;
    ~destination();

    int fd;
    std::uint16_t port = 0;
};

}  // namespace berth::test
