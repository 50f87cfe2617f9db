// One TURN client over TCP, good or bad: it sends what it is told, and reads answers only if it is asked to.
#pragma once

#include "loopback/load/client_socket.hpp"
#include "relay/account.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::bench {

class stream_guest {
public:
    /// from: host byte order, an address of 127.0.0.0/8. It may be refused later: see is_open().
    stream_guest(std::uint32_t from, std::uint16_t server_port);

    /// All of it, or as much as the socket takes now.
    bool send(relay::bytes_view bytes);
    /// Whether the server has not ended it.
    [[nodiscard]] bool is_open() const;

    /// Challenge and Allocate; the relayed port, or 0.
    [[nodiscard]] std::uint16_t allocate(const account& who);
    [[nodiscard]] bool bind_channel(const account& who, std::uint16_t peer_port);

private:
    /// The answer, kept in answer_; waits two seconds at most.
    std::optional<relay::stun_message> ask(relay::stun_writer& request);

    client_socket socket_;
    std::string nonce_;
    std::vector<std::uint8_t> answer_;
    std::uint8_t transactions_ = 0;
};

}  // namespace berth::bench
