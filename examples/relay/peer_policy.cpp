// See peer_policy.hpp.
#include "peer_policy.hpp"

#include <algorithm>

namespace relay {
namespace {

constexpr bool is_in(std::uint32_t address, std::uint32_t network, int bits) noexcept {
    return (address ^ network) >> (32 - bits) == 0;
}

asio::ip::address_v4 ipv4_at(const asio::ip::address_v6::bytes_type& bytes, std::size_t at, std::uint8_t mask = 0) {
    asio::ip::address_v4::bytes_type inside;
    for (std::size_t i = 0; i < 4; ++i) inside[i] = bytes[at + i] ^ mask;
    return asio::ip::address_v4(inside);
}

}  // namespace

bool peer_policy::allows(const asio::ip::address& address) const noexcept {
    return address.is_v4() ? allows(address.to_v4()) : allows(address.to_v6());
}

bool peer_policy::allows(const asio::ip::address_v4& address) const noexcept {
    const std::uint32_t a = address.to_uint();
    if (is_in(a, 0x7F000000, 8)) return rules_.allow_loopback;
    if (is_in(a, 0x0A000000, 8) || is_in(a, 0xAC100000, 12) || is_in(a, 0xC0A80000, 16) ||  // RFC 1918
        is_in(a, 0x64400000, 10) || is_in(a, 0xA9FE0000, 16) ||                             // RFC 6598, link-local
        is_in(a, 0xC0000000, 24) || is_in(a, 0xC6120000, 15))                               // RFC 6890, RFC 2544
        return rules_.allow_private;
    return !is_in(a, 0, 8) && a < 0xE0000000;  // "this network"; multicast, reserved, broadcast
}

bool peer_policy::allows(const asio::ip::address_v6& address) const noexcept {
    const auto b = address.to_bytes();
    const bool starts_with_zeros = std::all_of(b.begin(), b.begin() + 10, [](std::uint8_t x) { return x == 0; });
    if (address.is_loopback()) return rules_.allow_loopback;
    if (starts_with_zeros)
        return false;  // unspecified, IPv4-mapped and IPv4-compatible: a socket may take it for IPv4
    if (b[0] == 0xFF) return false;
    if ((b[0] & 0xFE) == 0xFC || (b[0] == 0xFE && (b[1] & 0x80) != 0)) return rules_.allow_private;
    if (b[0] == 0x20 && b[1] == 0x02) return allows(ipv4_at(b, 2));                                   // 6to4
    if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0) return allows(ipv4_at(b, 12, 0xFF));  // Teredo
    if (b[0] == 0 && b[1] == 0x64 && b[2] == 0xFF && b[3] == 0x9B) {                                  // NAT64
        // Of a network's own prefix (RFC 8215) nobody outside knows where the IPv4 address begins.
        const bool is_well_known = std::all_of(b.begin() + 4, b.begin() + 12, [](std::uint8_t x) { return x == 0; });
        return is_well_known ? allows(ipv4_at(b, 12)) : rules_.allow_private;
    }
    return true;
}

bool peer_policy::may_be_own(const asio::ip::address& address) const noexcept {
    return has_unnamed_ && !address.is_loopback() &&
           std::none_of(own_.begin(), own_.end(), [&](const own_address& own) { return own.address == address; });
}

bool peer_policy::allows_port(const asio::ip::udp::endpoint& peer) const noexcept {
    if (peer.address().is_loopback()) return true;  // it was allowed by its own option
    bool is_own = false;
    for (const own_address& own : own_) {
        if (own.address != peer.address()) continue;
        is_own = true;
        if (peer.port() >= own.first && peer.port() < own.behind) return true;
    }
    return !is_own;
}

}  // namespace relay
