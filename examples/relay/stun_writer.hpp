// Writes one STUN message into memory of the caller's, attribute after attribute.
//
// The header's length is right after each call, so that integrity and fingerprint can be added at any end. What does
// not fit is not written, and is_complete() says so from then on.
#pragma once

#include "stun_integrity.hpp"
#include "stun_message.hpp"

#include <asio/ip/udp.hpp>

#include <span>
#include <string_view>

namespace relay {

class stun_writer {
public:
    /// Pre: room for a header.
    stun_writer(std::span<std::uint8_t> room, message_class kind, stun_method method,
                const transaction_id& transaction) noexcept;

    void add(attribute type, bytes_view value) noexcept;
    void add(attribute type, std::string_view value) noexcept;
    void add(attribute type, std::uint32_t value) noexcept;
    void add_address(attribute type, const asio::ip::udp::endpoint& value) noexcept;        ///< XOR-...-ADDRESS
    void add_plain_address(attribute type, const asio::ip::udp::endpoint& value) noexcept;  ///< ALTERNATE-SERVER
    void add_error(std::uint16_t code, std::string_view reason) noexcept;
    /// ADDRESS-ERROR-CODE (RFC 8656, 18.12); family 1: IPv4, 2: IPv6.
    void add_address_error(std::uint8_t family, std::uint16_t code, std::string_view reason) noexcept;
    void add_integrity(bytes_view key, integrity how) noexcept;
    void add_fingerprint() noexcept;

    /// The DATA attribute's header, for a payload that is sent behind these bytes and padded with padding_of(size).
    void begin_data(std::size_t size) noexcept;

    [[nodiscard]] bool is_complete() const noexcept { return fits_; }
    [[nodiscard]] bytes_view bytes() const noexcept { return {room_.data(), size_}; }

private:
    std::uint8_t* extend(attribute type, std::size_t size) noexcept;
    void set_length(std::size_t size) noexcept;

    std::span<std::uint8_t> room_;
    transaction_id transaction_;
    std::size_t size_ = stun_header_size;
    bool fits_ = true;
};

[[nodiscard]] constexpr std::size_t padding_of(std::size_t size) noexcept { return (4 - size % 4) % 4; }

}  // namespace relay
