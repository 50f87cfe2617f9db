// Where what is for a client goes: its listening socket's UDP side on this shard, or its connection.
#pragma once

#include "stun_message.hpp"

#include <asio/ip/udp.hpp>

#include <cstddef>

namespace relay {

class client_sink {
public:
    /// Sends one message that comes in two pieces. `to` has a say where many clients share the sink. False: dropped,
    /// as the client does not read.
    virtual bool send(const asio::ip::udp::endpoint& to, bytes_view head, bytes_view body, std::size_t padding) = 0;
    /// The padding of ChannelData (RFC 8656, 12.5).
    [[nodiscard]] virtual bool is_stream() const noexcept = 0;
    [[nodiscard]] virtual const char* name() const noexcept = 0;

protected:
    client_sink() = default;
    ~client_sink() = default;
    client_sink(const client_sink&) = delete;
    client_sink& operator=(const client_sink&) = delete;
};

/// One client: on its shard the five-tuple, since a sink has one local address and one protocol.
struct client_address {
    client_sink* sink = nullptr;
    asio::ip::udp::endpoint remote;

    friend bool operator==(const client_address& a, const client_address& b) noexcept {
        return a.sink == b.sink && a.remote == b.remote;
    }
};

/// Of an address and port; the same in the process, different in another one where `seed` is.
[[nodiscard]] inline std::size_t hash_of(const asio::ip::udp::endpoint& endpoint, std::size_t seed) noexcept {
    std::size_t word = endpoint.port();
    if (endpoint.address().is_v4()) {
        word |= std::size_t{endpoint.address().to_v4().to_uint()} << 16;
    } else {
        for (const std::uint8_t byte : endpoint.address().to_v6().to_bytes()) word = (word ^ byte) * 0x100000001B3U;
    }
    word = (word ^ seed) * 0x9E3779B97F4A7C15U;
    word = (word ^ word >> 32) * (seed | 1);
    return word ^ word >> 29;
}

struct client_hash {
    std::size_t seed = 0;
    std::size_t operator()(const client_address& c) const noexcept {
        return hash_of(c.remote, seed ^ reinterpret_cast<std::size_t>(c.sink));
    }
};

}  // namespace relay
