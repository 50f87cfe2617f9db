// What the relay is told, checked: each value that makes no sense is named, with what would.
#pragma once

#include "peer_policy.hpp"
#include "world.hpp"

#include <berth/port_block.hpp>

#include <asio/ip/udp.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace relay {

/// A value that was given and cannot be; what() names it, and the remedy.
struct wrong_option : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

struct relay_options {
    std::vector<std::string> listen;      ///< ADDRESS:PORT, UDP and TCP
    std::vector<std::string> tls_listen;  ///< ADDRESS:PORT
    std::string certificate, key;         ///< files, PEM
    std::vector<std::string> relay_address;
    std::vector<std::string> external_address;
    std::string ports = "1024";  ///< FIRST-LAST, or how many
    std::string realm = "berth";
    std::vector<std::string> users;  ///< NAME:PASSWORD
    std::string rest_secret;
    std::uint32_t quota = 0;
    peer_rules rules;
    std::string alternate_server;
    limits limit;
    std::uint32_t max_connections = 0;
    std::uint32_t max_connections_per_address = 0;
    std::uint32_t cool_down = 5000;     ///< milliseconds
    std::uint32_t max_lifetime = 3600;  ///< seconds
    std::uint32_t stream_grace = 30;    ///< seconds
};

/// "1.2.3.4:3478" or "[::1]:3478"; throws wrong_option, which names `option`.
[[nodiscard]] asio::ip::udp::endpoint endpoint_from(const std::string& text, const char* option);
[[nodiscard]] asio::ip::address address_from(const std::string& text, const char* option);
[[nodiscard]] berth::port_block block_from(const std::string& text);

/// What concerns several values; throws wrong_option.
void check(const relay_options& options);

}  // namespace relay
