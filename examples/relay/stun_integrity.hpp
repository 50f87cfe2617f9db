// MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 (RFC 8489, 14.5 and 14.6), and keys for them, through OpenSSL.
#pragma once

#include "stun_message.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace relay {

enum class integrity : std::uint8_t { sha1, sha256 };

struct integrity_code {
    std::array<std::uint8_t, 32> bytes{};
    std::size_t size = 0;
};

using long_term_key = std::array<std::uint8_t, 16>;  ///< MD5(username ":" realm ":" password)

[[nodiscard]] long_term_key key_of(std::string_view username, std::string_view realm, std::string_view password);

/// The code over a message that ends at `bytes`, whose header says already how long it is with the attribute.
[[nodiscard]] integrity_code code_of(integrity how, bytes_view key, bytes_view bytes) noexcept;

/// What the message is protected with: the stronger of those that it has. nullopt: with nothing.
[[nodiscard]] std::optional<integrity> protection_of(const stun_message& message) noexcept;

/// Whether each code in it is right, compared in constant time. False for a message without any.
[[nodiscard]] bool is_authentic(const stun_message& message, bytes_view key);

[[nodiscard]] std::array<std::uint8_t, 20> hmac_sha1(bytes_view key, bytes_view bytes) noexcept;
[[nodiscard]] std::array<std::uint8_t, 32> hmac_sha256(bytes_view key, bytes_view bytes) noexcept;
[[nodiscard]] std::string base64(bytes_view bytes);
[[nodiscard]] bool are_equal(bytes_view a, bytes_view b) noexcept;  ///< in constant time for one size
void fill_randomly(std::span<std::uint8_t> bytes);                  ///< throws std::runtime_error

[[nodiscard]] inline bytes_view bytes_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace relay
