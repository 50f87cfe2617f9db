// Why a client does not get what it asked for, and how that is said in each protocol.
#pragma once

#include "protocol/socks.hpp"

#include <string_view>
#include <system_error>

namespace outbound_proxy {

enum class problem : std::uint8_t {
    none,
    not_allowed,  ///< by the rules of this proxy
    quota,        ///< the user holds as many ports as it may
    exhausted,    ///< all ports are in use for this destination
    unresolved,   ///< there is no such name, or nobody who knows
    no_family,    ///< no source has an address of the destination's family
    network_unreachable,
    host_unreachable,
    refused,
    timed_out,
    stopping,  ///< of this proxy
    failed,    ///< for another reason; the log has it
};

struct problem_row {
    problem what;
    std::string_view word;  ///< for logs and metrics
    socks_reply socks;
    int http;
    std::string_view says;  ///< to the client
};

/// One row for each problem.
const problem_row& row_of(problem what) noexcept;
/// Of an attempt to connect, and of a name that was looked up.
problem problem_of(const std::error_code& ec) noexcept;

inline constexpr std::size_t problem_count = static_cast<std::size_t>(problem::failed) + 1;

}  // namespace outbound_proxy
