// A destination as a key: address, port and scope, in one form for both families.
//
// An IPv4 address and the same one mapped into IPv6 are one destination, as they are on the wire.
#pragma once

#include <asio/ip/address_v6.hpp>
#include <asio/ip/tcp.hpp>

#include <array>
#include <cstdint>
#include <cstring>

namespace berth::outbound {

struct destination {
    std::array<std::uint64_t, 3> words{};

    destination() = default;
    explicit destination(const asio::ip::tcp::endpoint& to) noexcept {
        const auto address = to.address().is_v4()
                                 ? asio::ip::make_address_v6(asio::ip::v4_mapped, to.address().to_v4())
                                 : to.address().to_v6();
        const auto bytes = address.to_bytes();
        std::memcpy(words.data(), bytes.data(), bytes.size());
        words[2] = std::uint64_t{to.port()} | std::uint64_t{address.scope_id()} << 16;
    }
    friend bool operator==(const destination&, const destination&) = default;
};

/// Where a destination is looked for. The key is the table's own secret, so that nobody who chooses destinations can
/// choose those that meet in one place.
class destination_hash {
public:
    explicit destination_hash(const std::array<std::uint64_t, 3>& key) noexcept : key_(key) {}

    [[nodiscard]] std::uint64_t operator()(const destination& d) const noexcept {
        std::uint64_t h = 0;
        for (std::size_t i = 0; i < d.words.size(); ++i) h = mix(h ^ d.words[i] ^ key_[i]);
        return h;
    }

private:
    // The finaliser of a 64-bit hash: each bit of the input reaches each bit of the output.
    static std::uint64_t mix(std::uint64_t x) noexcept {
        x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
        x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
        return x ^ (x >> 32);
    }
    std::array<std::uint64_t, 3> key_;
};

}  // namespace berth::outbound
