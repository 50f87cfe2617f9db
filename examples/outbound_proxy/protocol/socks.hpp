// SOCKS version 5 as bytes: RFC 1928, and the user names and passwords of RFC 1929.
//
//     greeting → method → (credentials → verdict) → request → reply;  a header in front of each datagram
#pragma once

#include "parsed.hpp"

#include <asio/ip/udp.hpp>

#include <array>

namespace outbound_proxy {

inline constexpr std::uint8_t socks_version = 5;

struct socks_greeting {
    bool offers_none = false;      ///< no authentication required
    bool offers_password = false;  ///< user name and password, RFC 1929
};
enum class socks_method : std::uint8_t { none = 0, password = 2, not_acceptable = 0xff };

struct socks_credentials {
    std::string name, password;
};

enum class socks_command : std::uint8_t { connect = 1, bind = 2, udp_associate = 3 };

struct socks_request {
    socks_command command = socks_command::connect;
    destination to;  ///< of udp_associate: from where the client will send; zeroes if it does not know
};

enum class socks_reply : std::uint8_t {
    succeeded = 0,
    general_failure = 1,
    not_allowed = 2,
    network_unreachable = 3,
    host_unreachable = 4,
    connection_refused = 5,
    ttl_expired = 6,
    command_not_supported = 7,
    address_type_not_supported = 8,
};

struct socks_datagram {
    std::uint8_t fragment = 0;  ///< 0: it stands alone
    destination to;
};

/// A message of ours; the largest is a header or a reply with an IPv6 address.
struct socks_message {
    std::array<std::uint8_t, 22> data{};
    std::size_t size = 0;

    [[nodiscard]] octets bytes() const noexcept { return {data.data(), size}; }
};

inline constexpr std::size_t socks_message_limit = 513;  ///< bytes: credentials of the longest name and password

parsed parse(octets bytes, socks_greeting& out);
parsed parse(octets bytes, socks_credentials& out);
/// A wrong one has the reply to answer with as its status.
parsed parse(octets bytes, socks_request& out);
/// The size is the header's; what follows is the client's. A datagram is all there is: `more` means that it is cut
/// off.
parsed parse(octets bytes, socks_datagram& out);

socks_message method_message(socks_method method) noexcept;
socks_message verdict_message(bool welcome) noexcept;
/// `bound`: the address that the RFC calls BND.ADDR and BND.PORT.
socks_message reply_message(socks_reply reply, const asio::ip::address& bound, std::uint16_t port) noexcept;
socks_message datagram_header(const asio::ip::udp::endpoint& source) noexcept;

}  // namespace outbound_proxy
