// What goes between berthd and who asks it: one request, one answer, each of one fixed size, little-endian.
//
// Invariant: parse() accepts exactly what encode() makes: a wrong size, magic, version, kind, a field out of its
// bounds, one that its kind does not use and is not zero, or a text that is no text, and the whole message is
// nothing. So the daemon closes the connection instead of guessing. What is well-formed and still cannot be (a block
// past port 65535) is the daemon's to refuse, with words. Descriptors, where a message will carry any: at most 253,
// the kernel's limit.
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
inline constexpr std::size_t most_text = 240;    // bytes
inline constexpr std::size_t descriptors_per_message = 253;

enum class request_kind : std::uint16_t {
    create = 1,
    remove,
    lookup,
    next_block,  // the first block after `after`, in the order of protocol and first port
    status,
    drain,
    resume,
    take = 16,  // these three are kept for session sockets: parse() does not know them yet
    fetch,
    give_back,
};

struct service_request {
    request_kind kind = request_kind::status;
    std::uint32_t id = 0;  // the asker's, repeated in the answer
    transport protocol = transport::tcp;
    tcp_use use = tcp_use::listen;  // create
    port_block block{};             // create, remove, lookup, drain, resume
    std::uint32_t after = 0;        // next_block: 0, or the place of the block that came last
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
    std::array<std::uint32_t, 8> numbers{};  // status, in the order of service_number
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
    descriptors,
    refused
};

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
