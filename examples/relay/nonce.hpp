// Nonces that nobody keeps: when one ends, and a code over that and over whom it was given to.
//
// 24 characters, so that the answer to who is not known yet stays small. Good for one address and port, until its
// time; after a restart all of them are stale. Any thread.
#pragma once

#include "stun_message.hpp"

#include <asio/ip/udp.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace relay {

class nonce_source {
public:
    /// Seconds of a clock that the caller chooses; the same for both calls.
    using time = std::chrono::duration<std::uint32_t>;

    /// Throws std::runtime_error without random bytes.
    explicit nonce_source(time lifetime);

    [[nodiscard]] std::string make(const asio::ip::udp::endpoint& client, time now) const;
    [[nodiscard]] bool is_good(std::string_view nonce, const asio::ip::udp::endpoint& client, time now) const;

private:
    [[nodiscard]] std::string signed_until(std::uint32_t end, const asio::ip::udp::endpoint& client) const;

    std::array<std::uint8_t, 32> secret_{};
    time lifetime_;
};

}  // namespace relay
