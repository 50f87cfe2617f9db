// What an operator decides, as options.cpp reads it from the command line and a file. Plain values.
#pragma once

#include <berth/port_block.hpp>

#include <asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace outbound_proxy {

/// Addresses and ports that connections leave from, or that datagrams are relayed at.
struct source_setting {
    std::string name;           ///< what users and logs call it; empty: its address
    asio::ip::address address;  ///< unspecified: the system chooses the address, by the way to the destination
    berth::port_block ports;
    std::uint32_t per_port = 1;  ///< connections that share one port, each to another destination
};

enum class choice : std::uint8_t {
    round_robin,  ///< the next source for each connection
    sticky,       ///< the same source for the same user, or for the same client where there are none
};
enum class header_policy : std::uint8_t { off, allow, require };

struct user_setting {
    std::string name, password;
    std::vector<std::string> sources;  ///< names; empty: all
};

/// Ports FIRST to LAST, both included.
using port_span = std::pair<std::uint16_t, std::uint16_t>;

/// Kinds of destinations that are refused unless they are allowed by name.
struct allowed_kinds {
    bool loopback = false, link_local = false, private_use = false, own = false;
};

struct network {
    asio::ip::address address;
    unsigned bits = 0;
    [[nodiscard]] bool contains(const asio::ip::address& other) const noexcept;
};

struct settings {
    using duration = std::chrono::milliseconds;

    std::vector<asio::ip::tcp::endpoint> listen;
    std::vector<source_setting> sources;  ///< empty: the kernel's own choice of address and port
    std::vector<source_setting> udp_relay, udp_sources;
    choice chosen = choice::round_robin;
    std::string device;  ///< of the sources; empty: any

    std::vector<user_setting> users;                          ///< empty: everybody who can connect may use it
    std::uint32_t ports_per_user = 0, ports_per_address = 0;  ///< held at once; 0: no limit

    header_policy proxy_header = header_policy::off;
    std::vector<network> trusted;  ///< of whom PROXY headers are believed

    allowed_kinds allowed;
    std::vector<port_span> http_ports{{443, 443}};
    std::vector<port_span> socks_ports{{1, 65535}};

    duration handshake = std::chrono::seconds(10);           ///< from accept to the end of the request
    duration connect = std::chrono::seconds(15);             ///< names and all attempts
    duration idle = std::chrono::minutes(5);                 ///< of a tunnel or an association, in both directions
    duration write = std::chrono::seconds(30);               ///< a client that takes nothing of what is there for it
    duration drain = std::chrono::seconds(30);               ///< for what is under way, when it is asked to stop
    std::uint32_t max_connections = 0, max_per_address = 0;  ///< of clients; 0: no limit
    std::uint32_t datagram_destinations = 64;                ///< that one association may speak with at once
    std::size_t shards = 0;                                  ///< 0: as many as processors
};

}  // namespace outbound_proxy
