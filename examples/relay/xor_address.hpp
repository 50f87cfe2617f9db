// An address as XOR-MAPPED-ADDRESS and its kin carry it (RFC 8489, 14.2), of either family.
#pragma once

#include "byte_order.hpp"

#include <asio/ip/udp.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace relay {

namespace detail {

// What an address is combined with: the cookie, and behind it the transaction.
inline std::array<std::uint8_t, 16> address_mask(const std::array<std::uint8_t, 12>& transaction) noexcept {
    std::array<std::uint8_t, 16> mask{0x21, 0x12, 0xA4, 0x42};
    for (std::size_t i = 0; i < transaction.size(); ++i) mask[4 + i] = transaction[i];
    return mask;
}

}  // namespace detail

/// nullopt: of no family, or too short or too long for it.
[[nodiscard]] inline std::optional<asio::ip::udp::endpoint> read_xor_address(
    std::span<const std::uint8_t> value, const std::array<std::uint8_t, 12>& transaction) noexcept {
    if (value.size() < 4) return std::nullopt;
    const auto port = static_cast<std::uint16_t>(read_16(value.data() + 2) ^ 0x2112);
    const auto mask = detail::address_mask(transaction);
    if (value[1] == 1 && value.size() == 8) {
        asio::ip::address_v4::bytes_type bytes;
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = value[4 + i] ^ mask[i];
        return asio::ip::udp::endpoint(asio::ip::address_v4(bytes), port);
    }
    if (value[1] == 2 && value.size() == 20) {
        asio::ip::address_v6::bytes_type bytes;
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = value[4 + i] ^ mask[i];
        return asio::ip::udp::endpoint(asio::ip::address_v6(bytes), port);
    }
    return std::nullopt;
}

/// Writes 8 or 20 bytes; returns how many.
inline std::size_t write_xor_address(std::span<std::uint8_t, 20> to, const asio::ip::udp::endpoint& endpoint,
                                     const std::array<std::uint8_t, 12>& transaction) noexcept {
    const auto mask = detail::address_mask(transaction);
    const auto write = [&](std::uint8_t family, const auto& bytes) {
        to[0] = 0;
        to[1] = family;
        write_16(to.data() + 2, endpoint.port() ^ 0x2112);
        for (std::size_t i = 0; i < bytes.size(); ++i) to[4 + i] = bytes[i] ^ mask[i];
        return 4 + bytes.size();
    };
    const asio::ip::address address = endpoint.address();
    return address.is_v4() ? write(1, address.to_v4().to_bytes()) : write(2, address.to_v6().to_bytes());
}

}  // namespace relay
