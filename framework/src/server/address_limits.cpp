// See address_limits.hpp.
#include "server/address_limits.hpp"

namespace berth::detail {

// The low 32 bits of an IPv4 address's key are the address; no IPv6 network in use begins with 32 zero bits but ::/64.
std::uint64_t address_limits::key_of(const asio::ip::tcp::endpoint& remote) noexcept {
    const auto address = remote.address();
    if (address.is_v4()) return address.to_v4().to_uint();
    const auto bytes = address.to_v6().to_bytes();
    const bool is_mapped_v4 = address.to_v6().is_v4_mapped();
    std::uint64_t key = 0;
    for (std::size_t i = is_mapped_v4 ? 12 : 0; i < (is_mapped_v4 ? 16U : 8U); ++i) key = key << 8 | bytes[i];
    return key;
}

address_limits::stripe& address_limits::stripe_of(std::uint64_t key) noexcept {
    return stripes_[(key * 0x9e3779b97f4a7c15U) >> 60];
}

bool address_limits::enter(std::uint64_t key, std::uint32_t most) {
    stripe& s = stripe_of(key);
    const std::lock_guard lock(s.gate);
    std::uint32_t& count = s.count[key];
    if (count == most) return false;
    ++count;
    return true;
}

void address_limits::leave(std::uint64_t key) noexcept {
    stripe& s = stripe_of(key);
    const std::lock_guard lock(s.gate);
    const auto found = s.count.find(key);
    if (found != s.count.end() && --found->second == 0) s.count.erase(found);
}

}  // namespace berth::detail
