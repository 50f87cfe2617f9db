// SipHash as its paper has it, and what it is asked of.
#include "cookie_jar.hpp"

#include <bit>
#include <random>

namespace game {
namespace {

std::uint64_t little_endian(std::span<const std::uint8_t> bytes) noexcept {
    std::uint64_t n = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) n = n << 8 | bytes[i];
    return n;
}

template <class Text>
void put(Text& text, std::size_t& size, std::uint64_t n) noexcept {
    for (int i = 0; i < 8; ++i) text[size++] = static_cast<std::uint8_t>(n >> (8 * i));
}

}  // namespace

std::uint64_t siphash(std::uint64_t key0, std::uint64_t key1, std::span<const std::uint8_t> text) noexcept {
    std::uint64_t v0 = key0 ^ 0x736f6d6570736575, v1 = key1 ^ 0x646f72616e646f6d;
    std::uint64_t v2 = key0 ^ 0x6c7967656e657261, v3 = key1 ^ 0x7465646279746573;
    const auto rounds = [&](int count) {
        for (; count > 0; --count) {
            v0 += v1, v2 += v3;
            v1 = std::rotl(v1, 13) ^ v0, v3 = std::rotl(v3, 16) ^ v2;
            v0 = std::rotl(v0, 32);
            v2 += v1, v0 += v3;
            v1 = std::rotl(v1, 17) ^ v2, v3 = std::rotl(v3, 21) ^ v0;
            v2 = std::rotl(v2, 32);
        }
    };
    const auto mix = [&](std::uint64_t word) {
        v3 ^= word;
        rounds(2);
        v0 ^= word;
    };
    const std::uint64_t size = text.size();
    for (; text.size() >= 8; text = text.subspan(8)) mix(little_endian(text.first(8)));
    mix(little_endian(text) | size << 56);
    v2 ^= 0xff;
    rounds(4);
    return v0 ^ v1 ^ v2 ^ v3;
}

cookie_jar::cookie_jar() {
    std::random_device random;
    for (auto& half : key_) half = std::uint64_t{random()} << 32 | random();
}

std::uint64_t cookie_jar::of(const asio::ip::udp::endpoint& who, std::uint64_t when) const noexcept {
    std::array<std::uint8_t, 40> text{};
    std::size_t size = 0;
    put(text, size, when);
    put(text, size, who.port());
    const auto address = who.address();
    if (address.is_v4()) {
        put(text, size, address.to_v4().to_uint());
    } else {
        for (const auto byte : address.to_v6().to_bytes()) text[size++] = byte;
    }
    const std::uint64_t value = siphash(key_[0], key_[1], std::span(text).first(size));
    return value != 0 ? value : 1;
}

std::uint64_t cookie_jar::cookie_for(const asio::ip::udp::endpoint& who, clock::time_point now) const noexcept {
    return of(who, static_cast<std::uint64_t>(now.time_since_epoch() / std::chrono::seconds(30)));
}

bool cookie_jar::is_good(std::uint64_t cookie, const asio::ip::udp::endpoint& who,
                         clock::time_point now) const noexcept {
    if (cookie == 0) return false;
    const auto when = static_cast<std::uint64_t>(now.time_since_epoch() / std::chrono::seconds(30));
    return cookie == of(who, when) || cookie == of(who, when - 1);
}

std::uint64_t cookie_jar::ticket(std::uint64_t n) const noexcept {
    std::array<std::uint8_t, 9> text{};
    std::size_t size = 0;
    put(text, size, n);
    text[8] = 't';
    const std::uint64_t value = siphash(key_[0], key_[1], text);
    return value != 0 ? value : 1;
}

}  // namespace game
