// Socket addresses as bind wants them, and the few options that every session socket gets.
//
// Host byte order outside, network byte order inside. No state and no decisions; results are the seam's.
#pragma once

#include "platform/windows/windows_calls.hpp"

#include <berth/reservation_request.hpp>

#include <algorithm>

namespace berth::platform {

struct winsock_address {
    sockaddr_in6 storage{};  // of both families, an IPv4 one in its first bytes
    int size = 0;
    [[nodiscard]] const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// `address` (unspecified: the wildcard) and `port` for a socket of `family`.
inline winsock_address make_address(int family, const asio::ip::address& address, std::uint16_t port) noexcept {
    winsock_address out;
    if (family == AF_INET) {
        auto& ipv4 = reinterpret_cast<sockaddr_in&>(out.storage);
        ipv4.sin_family = AF_INET;
        ipv4.sin_port = htons(port);
        if (address.is_v4()) ipv4.sin_addr.s_addr = htonl(address.to_v4().to_uint());
        out.size = sizeof ipv4;
        return out;
    }
    out.storage.sin6_family = AF_INET6;
    out.storage.sin6_port = htons(port);
    out.size = sizeof out.storage;
    if (address.is_unspecified()) return out;
    const auto ipv6 =
        address.is_v6() ? address.to_v6() : asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4());
    const auto bytes = ipv6.to_bytes();
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<unsigned char*>(&out.storage.sin6_addr));
    out.storage.sin6_scope_id = static_cast<ULONG>(ipv6.scope_id());
    return out;
}

/// The same place in both families. Host byte order.
inline std::uint16_t port_of(const sockaddr_storage& name) noexcept {
    return ntohs(reinterpret_cast<const sockaddr_in&>(name).sin_port);
}

/// 0: bound, `port` says to what. An unbound socket is -WSAEINVAL on Windows, and has port 0.
inline int local_port(windows_calls& os, native_socket s, std::uint16_t& port) noexcept {
    sockaddr_storage name{};
    const int r = os.getsockname(s, name);
    port = r >= 0 ? port_of(name) : std::uint16_t{0};
    return r;
}

inline int set_flag(windows_calls& os, native_socket s, int level, int name, bool on) noexcept {
    const DWORD value = on ? 1 : 0;
    return os.setsockopt(s, level, name, &value, sizeof value);
}

/// -1: the option cannot be read.
inline int get_flag(windows_calls& os, native_socket s, int level, int name) noexcept {
    DWORD value = 0;  // some are one byte
    int size = sizeof value;
    return os.getsockopt(s, level, name, &value, &size) < 0 ? -1 : value != 0 ? 1 : 0;
}

}  // namespace berth::platform
