// What the daemon remembers: the persistent blocks, and which ports of the system's reserved list are its own
// entries.
//
// Plain values. Invariant of valid contents: every block is specific and valid, TCP or UDP, with an id and a token
// that are not 0 and nobody else's; blocks of one protocol do not overlap; `listed` is ascending and without
// overlaps. `check_contents` is the one place that knows this, asked before every write and after every read.
#pragma once

#include <berth/error.hpp>
#include <berth/port_block.hpp>
#include <berth/reservation_request.hpp>
#include <berth/reservation_token.hpp>

#include <cstdint>
#include <vector>

namespace berth::daemon {

struct stored_block {
    std::uint64_t id = 0;  // random; names the block's sockets wherever they are kept
    transport protocol = transport::tcp;
    tcp_use use = tcp_use::listen;
    port_block block{};
    reservation_token token{};
    bool is_draining = false;  // no more of its sockets go out
    std::int64_t created = 0;  // seconds since 1970
    friend bool operator==(const stored_block&, const stored_block&) noexcept = default;
};

/// Which start of the system: tokens are good for one of them.
struct boot_id {
    std::uint64_t high = 0, low = 0;
    friend bool operator==(const boot_id&, const boot_id&) noexcept = default;
};

struct stored_contents {
    boot_id boot{};
    std::vector<stored_block> blocks;  // ascending by protocol, then by first port
    std::vector<port_block> listed;    // in ip_local_reserved_ports by our hand
    friend bool operator==(const stored_contents&, const stored_contents&) noexcept = default;
};

/// Empty text: valid. Else what is wrong.
std::string check_contents(const stored_contents& contents);

/// Detects damage to a row, not forgery: any single changed byte changes the sum.
std::uint64_t checksum(const stored_block& row) noexcept;
std::uint64_t checksum(const stored_contents& contents) noexcept;

}  // namespace berth::daemon
