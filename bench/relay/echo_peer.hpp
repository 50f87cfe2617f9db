// The far end of every allocation: a UDP socket that sends back whatever comes, many datagrams in a call.
#pragma once

#include "loopback/load/client_socket.hpp"

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace berth::bench {

class echo_peer {
public:
    /// largest: bytes of a datagram. Throws std::runtime_error.
    explicit echo_peer(std::size_t largest);

    [[nodiscard]] std::uint16_t port() const noexcept { return raw::port_of(socket_.fd()); }

    /// Sends back what is there now, one batch at most; returns how many.
    unsigned turn();

private:
    static constexpr std::size_t batch = 64;

    std::size_t largest_;
    client_socket socket_;
    std::vector<std::byte> memory_;
    std::vector<sockaddr_in> names_;
    std::vector<iovec> pieces_;
    std::vector<mmsghdr> messages_;
};

}  // namespace berth::bench
