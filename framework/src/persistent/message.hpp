// What goes between berthd and who asks it: one request, one answer, each of one fixed size, little-endian.
//
// Invariant: parse() accepts exactly what encode() makes: a wrong size, magic, version, kind, a field out of its
// bounds, one that its kind does not use and is not zero, or a text that is no text, and the whole message is
// nothing. So the daemon closes the connection instead of guessing. What is well-formed and still cannot be (a block
// past port 65535) is the daemon's to refuse, with words. Descriptors go with share_message.hpp's messages.
#pragma once

#include <berth/error.hpp>
#include <berth/port_block.hpp>
#include <berth/reservation_request.hpp>
#include <berth/reservation_token.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace berth::detail {

inline constexpr std::size_t request_size = 32;  // bytes
inline constexpr std::size_t answer_size = 320;  // bytes
inline constexpr std::size_t most_text = 232;    // bytes
inline constexpr std::size_t descriptors_per_message = 253;  // the kernel's limit

enum class request_kind : std::uint16_t {
    create = 1,
    remove,
    lookup,
    next_block,  // the first block after `after`, in the order of protocol and first port
    status,
    drain,
    resume,
    take = 16,  // the block with this token: the connection is a consumer's from the answer on
    fetch,      // a consumer's: sockets of its block; answered by a share_message, or a service_answer with why not
};

/// What a fetch asks for.
enum class fetch_kind : std::uint8_t { any, pairs, given };

struct service_request {
    request_kind kind = request_kind::status;
    std::uint32_t id = 0;  // the asker's, repeated in the answer
    transport protocol = transport::tcp;
    tcp_use use = tcp_use::listen;  // create
    port_block block{};             // create, remove, lookup, drain, resume; fetch: how many, and the given one
    std::uint32_t after = 0;        // next_block: 0, or the place of the block that came last
    fetch_kind what = fetch_kind::any;  // fetch
    reservation_token token{};          // take
    friend bool operator==(const service_request&, const service_request&) noexcept = default;
};

struct service_answer {
    request_kind kind = request_kind::status;
    std::uint32_t id = 0;
    errc error{};            // 0: success
    std::uint16_t port = 0;  // the port that failed
    transport protocol = transport::tcp;
    tcp_use use = tcp_use::listen;
    port_block block{0, 0};
    reservation_token token{};
    std::int64_t created = 0;  // seconds since 1970
    bool is_last = false;      // next_block: there is none
    bool is_draining = false;
    bool is_held = false;
    std::array<std::uint32_t, 10> numbers{};  // in the order of service_number, block_number or take_number
    std::string text;                        // of a failure, or the keeper's description
    friend bool operator==(const service_answer&, const service_answer&) noexcept = default;
};

enum class service_number : std::uint8_t {
    blocks,
    blocks_held,
    ports,
    clients,
    process,
    uptime,
    ports_out,
    refused,
    consumers
};
enum class block_number : std::uint8_t { ports_out, consumers };              // of an answer that describes a block
enum class take_number : std::uint8_t { family, network_low, network_high };  // of the answer to a take

/// Where next_block goes on: ascending by protocol, then by first port.
constexpr std::uint32_t place_of(transport protocol, std::uint16_t first) noexcept {
    return static_cast<std::uint32_t>(protocol) << 16 | first;
}

std::array<std::byte, request_size> encode(const service_request& request) noexcept;
/// A text longer than most_text is cut.
std::array<std::byte, answer_size> encode(const service_answer& answer) noexcept;

std::optional<service_request> parse_request(std::span<const std::byte> bytes) noexcept;
std::optional<service_answer> parse_answer(std::span<const std::byte> bytes);

}  // namespace berth::detail
