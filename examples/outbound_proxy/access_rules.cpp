// See access_rules.hpp.
#include "access_rules.hpp"

#include <algorithm>

namespace outbound_proxy {
namespace {

bool begins_with(std::uint32_t address, std::uint32_t prefix, int bits) noexcept {
    return address >> (32 - bits) == prefix >> (32 - bits);
}

address_kind kind_of_v4(asio::ip::address_v4 address) noexcept {
    const std::uint32_t a = address.to_uint();
    if (begins_with(a, 0x7f000000, 8)) return address_kind::loopback;
    if (begins_with(a, 0xa9fe0000, 16)) return address_kind::link_local;
    if (begins_with(a, 0x0a000000, 8) || begins_with(a, 0xac100000, 12) || begins_with(a, 0xc0a80000, 16) ||
        begins_with(a, 0x64400000, 10))
        return address_kind::private_use;
    if (begins_with(a, 0, 8) || begins_with(a, 0xe0000000, 3)) return address_kind::never;
    return address_kind::ordinary;
}

/// The IPv4 address that a translator or a tunnel would make of it (RFC 6052, RFC 3056).
bool carried_v4(const asio::ip::address_v6::bytes_type& b, asio::ip::address_v4& inside) noexcept {
    constexpr std::uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    const bool is_6to4 = b[0] == 0x20 && b[1] == 0x02;
    if (!is_6to4 && !std::equal(std::begin(nat64), std::end(nat64), b.begin())) return false;
    const std::size_t at = is_6to4 ? 2 : 12;
    inside = asio::ip::address_v4({b[at], b[at + 1], b[at + 2], b[at + 3]});
    return true;
}

address_kind kind_of_v6(const asio::ip::address_v6& address) noexcept {
    const auto b = address.to_bytes();
    asio::ip::address_v4 inside;
    if (address.is_loopback()) return address_kind::loopback;
    if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return address_kind::link_local;
    if ((b[0] & 0xfe) == 0xfc) return address_kind::private_use;
    // RFC 8215: nobody outside knows where in such an address the IPv4 one begins.
    constexpr std::uint8_t own_nat64[] = {0, 0x64, 0xff, 0x9b, 0, 1};
    if (std::equal(std::begin(own_nat64), std::end(own_nat64), b.begin())) return address_kind::private_use;
    if (carried_v4(b, inside)) return kind_of_v4(inside);
    const bool is_low = std::all_of(b.begin(), b.begin() + 8, [](auto byte) { return byte == 0; });  // ::/64
    return is_low || b[0] == 0xff ? address_kind::never : address_kind::ordinary;
}

}  // namespace

asio::ip::address plain(const asio::ip::address& address) noexcept {
    if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
    const auto b = address.to_v6().to_bytes();
    return asio::ip::address_v4({b[12], b[13], b[14], b[15]});
}

address_kind kind_of(const asio::ip::address& written) noexcept {
    const asio::ip::address address = plain(written);
    return address.is_v4() ? kind_of_v4(address.to_v4()) : kind_of_v6(address.to_v6());
}

std::string_view access_rules::refusal_of_kind(const asio::ip::address& to) const noexcept {
    switch (kind_of(to)) {
        case address_kind::never:
            return "the destination is no address that a connection can go to";
        case address_kind::loopback:
            return allowed_.loopback ? "" : "destinations on the loopback interface are not allowed";
        case address_kind::link_local:
            return allowed_.link_local ? "" : "link-local destinations are not allowed";
        case address_kind::private_use:
            return allowed_.private_use ? "" : "destinations in private networks are not allowed";
        case address_kind::ordinary:
            break;
    }
    return {};
}

bool contains(const std::vector<port_span>& spans, std::uint16_t port) noexcept {
    return std::any_of(spans.begin(), spans.end(),
                       [port](port_span s) { return port >= s.first && port <= s.second; });
}

bool network::contains(const asio::ip::address& other) const noexcept {
    const asio::ip::address mine = plain(address), theirs = plain(other);
    const auto alike = [this](const auto& a, const auto& b) {
        for (unsigned i = 0; i < bits; ++i) {
            if (((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1) != 0) return false;
        }
        return true;
    };
    if (mine.is_v4() != theirs.is_v4()) return false;
    if (mine.is_v4()) return alike(mine.to_v4().to_bytes(), theirs.to_v4().to_bytes());
    return alike(mine.to_v6().to_bytes(), theirs.to_v6().to_bytes());
}

}  // namespace outbound_proxy
