// See nonce.hpp.
#include "nonce.hpp"

#include "byte_order.hpp"
#include "stun_integrity.hpp"

#include <algorithm>
#include <charconv>

namespace relay {

nonce_source::nonce_source(time lifetime) : lifetime_(lifetime) { fill_randomly(secret_); }

std::string nonce_source::make(const asio::ip::udp::endpoint& client, time now) const {
    return signed_until((now + lifetime_).count(), client);
}

bool nonce_source::is_good(std::string_view nonce, const asio::ip::udp::endpoint& client, time now) const {
    std::uint32_t end = 0;
    if (nonce.size() != 24) return false;
    const auto [stop, error] = std::from_chars(nonce.data(), nonce.data() + 8, end, 16);
    if (error != std::errc() || stop != nonce.data() + 8 || end <= now.count()) return false;
    return are_equal(bytes_of(nonce), bytes_of(signed_until(end, client)));
}

// Eight digits of the end, and 96 bits of the code.
std::string nonce_source::signed_until(std::uint32_t end, const asio::ip::udp::endpoint& client) const {
    std::array<std::uint8_t, 4 + 1 + 16 + 2> covered{};
    write_32(covered.data(), end);
    if (client.address().is_v4()) {
        const auto bytes = client.address().to_v4().to_bytes();
        covered[4] = 4;
        std::copy(bytes.begin(), bytes.end(), covered.begin() + 5);
    } else {
        const auto bytes = client.address().to_v6().to_bytes();
        covered[4] = 6;
        std::copy(bytes.begin(), bytes.end(), covered.begin() + 5);
    }
    write_16(covered.data() + 21, client.port());
    const auto code = hmac_sha256(secret_, covered);

    std::string text(8, '0');
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t i = 0; i < 8; ++i) text[i] = digits[end >> (28 - 4 * i) & 0xF];
    return text + base64(bytes_view(code).first(12));
}

}  // namespace relay
