// Thin words over the seam for what the provider does all the time: integer options, addresses, dissolving.
//
// No state and no decisions; results are the seam's (0 or more, or -errno).
#pragma once

#include "platform/linux/system_calls.hpp"

#include <berth/reservation_request.hpp>

#include <net/if.h>
#include <netinet/in.h>

#include <cerrno>
#include <string>

namespace berth::platform {

// Numbers that Debian 12's headers lack or hide; named as ours so that no macro is redefined.
inline constexpr int option_bind_to_ifindex = 62;  // SO_BINDTOIFINDEX
inline constexpr int option_tcp_repair = 19;       // TCP_REPAIR
inline constexpr int option_min_ttl = 21;          // IP_MINTTL
inline constexpr int option_min_hop_count = 73;    // IPV6_MINHOPCOUNT
inline constexpr int option_netns_cookie = 71;     // SO_NETNS_COOKIE
inline constexpr int option_meminfo = 55;          // SO_MEMINFO: nine words
enum { meminfo_receive_buffer = 1, meminfo_send_buffer = 3, meminfo_option = 6, meminfo_drops = 8, meminfo_words = 9 };

// Interfaces that do not exist. A UDP socket tagged with one hears nothing, and two sockets with different tags may
// share a port; connect(AF_UNSPEC) clears a tag without privilege, as no other call does.
inline constexpr int holder_tag = 0x7ffffffe;
inline constexpr int session_tag = 0x7fffffff;
inline constexpr int loopback_interface = 1;  // in every network namespace

inline int set_option(system_calls& os, int fd, int level, int name, int value) noexcept {
    return os.setsockopt(fd, level, name, &value, sizeof value);
}

inline int get_option(system_calls& os, int fd, int level, int name, int& value) noexcept {
    socklen_t size = sizeof value;
    return os.getsockopt(fd, level, name, &value, &size);
}

inline int cookie_of(system_calls& os, int fd, std::uint64_t& cookie) noexcept {
    socklen_t size = sizeof cookie;
    return os.getsockopt(fd, SOL_SOCKET, 57 /* SO_COOKIE */, &cookie, &size);
}

/// connect(AF_UNSPEC): back to unconnected; a bound port stays bound.
inline int dissolve(system_calls& os, int fd) noexcept {
    const sockaddr unspecified{.sa_family = AF_UNSPEC, .sa_data = {}};
    return os.connect(fd, &unspecified, sizeof unspecified);
}

/// By the name of an interface; a longer name than there can be would be cut, and mean another.
inline int bind_to_device(system_calls& os, int fd, const std::string& name) noexcept {
    if (name.size() >= IFNAMSIZ) return -ENODEV;
    return os.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name.data(), static_cast<socklen_t>(name.size()));
}

/// A socket address, big enough for both families, as bind and connect want it.
struct socket_address {
    sockaddr_in6 storage{};
    socklen_t size = 0;

    [[nodiscard]] const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// `address` (unspecified: the wildcard) and `port` (host byte order) for a session socket of `family`. A dual-stack
/// socket gets IPv4 addresses v4-mapped.
socket_address make_address(address_family family, const asio::ip::address& address, std::uint16_t port) noexcept;

/// The dual-stack wildcard that holders bind, or the IPv4 one where the kernel has no IPv6 at all.
socket_address make_holder_address(bool has_ipv6, std::uint16_t port) noexcept;

}  // namespace berth::platform
