// Addresses for the provider's binds and connects; see socket_options.hpp.
#include "platform/linux/socket_options.hpp"

#include <cstring>

namespace berth::platform {
namespace {

socket_address ipv4_address(const asio::ip::address_v4& address, std::uint16_t port) noexcept {
    socket_address out;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(address.to_uint());
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.size = sizeof v4;
    return out;
}

socket_address ipv6_address(const asio::ip::address_v6& address, std::uint16_t port) noexcept {
    socket_address out;
    out.storage.sin6_family = AF_INET6;
    out.storage.sin6_port = htons(port);
    const auto bytes = address.to_bytes();
    std::memcpy(&out.storage.sin6_addr, bytes.data(), bytes.size());
    out.storage.sin6_scope_id = static_cast<std::uint32_t>(address.scope_id());
    out.size = sizeof out.storage;
    return out;
}

}  // namespace

socket_address make_address(address_family family, const asio::ip::address& address, std::uint16_t port) noexcept {
    const bool any = address.is_unspecified();
    if (family == address_family::ipv4) {
        return ipv4_address(any ? asio::ip::address_v4::any() : address.to_v4(), port);
    }
    if (any) return ipv6_address(asio::ip::address_v6::any(), port);
    if (address.is_v4()) {
        return ipv6_address(asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()), port);
    }
    return ipv6_address(address.to_v6(), port);
}

socket_address make_holder_address(bool has_ipv6, std::uint16_t port) noexcept {
    return has_ipv6 ? ipv6_address(asio::ip::address_v6::any(), port)
                    : ipv4_address(asio::ip::address_v4::any(), port);
}

}  // namespace berth::platform
