// The header that a load balancer puts in front of a connection to say whose it is: the PROXY protocol, 1 and 2.
//
// Only of somebody who is trusted: whoever sends it chooses the address that logs and limits see. Version 1 is a line
// of at most 107 bytes, version 2 is binary; its extensions (TLVs) are skipped, but for their lengths and the
// checksum, which is verified where it is there.
#pragma once

#include "parsed.hpp"

#include <asio/ip/tcp.hpp>

#include <optional>

namespace outbound_proxy {

inline constexpr std::size_t proxy_header_limit = 4096;  ///< bytes; version 2 could announce 65,551

struct proxy_header {
    int version = 0;
    /// Nothing: the connection speaks for itself (LOCAL, UNKNOWN, a family without addresses).
    std::optional<asio::ip::tcp::endpoint> client;
    std::optional<asio::ip::tcp::endpoint> server;  ///< where the client had connected to
};

/// Whether these bytes are, or may yet become, a header. `more`: too few to say.
enum class header_guess : std::uint8_t { yes, no, more };
header_guess guess_proxy_header(octets bytes) noexcept;

parsed parse(octets bytes, proxy_header& out);

/// Castagnoli's, as in RFC 9260; of several pieces: crc32c(second, crc32c(first)).
std::uint32_t crc32c(octets bytes, std::uint32_t before = 0) noexcept;

}  // namespace outbound_proxy
