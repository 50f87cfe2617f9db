// See failures.hpp.
//
// RFC 1928 has no reply for a proxy that ran out of ports: 5 would blame the destination, so it is the general one.
// In HTTP it is 503, since another attempt may succeed. A user's quota is not a fault of this server: 2 (not allowed
// by the ruleset) and 429, RFC 6585. Replies 3 to 5 are what the system says; a connect that nobody answered is 6,
// TTL expired, the only one that says "no answer".
#include "failures.hpp"

#include <berth/error.hpp>

#include <asio/error.hpp>

#include <array>

namespace outbound_proxy {
namespace {

using enum socks_reply;
constexpr std::array<problem_row, problem_count> rows{{
    {problem::none, "none", succeeded, 200, ""},
    {problem::not_allowed, "not_allowed", not_allowed, 403, "this destination is not allowed"},
    {problem::quota, "quota", not_allowed, 429, "you have as many connections as you may have"},
    {problem::exhausted, "exhausted", general_failure, 503,
     "all ports of this proxy are in use for this destination"},
    {problem::unresolved, "unresolved", host_unreachable, 502, "the name of the destination could not be resolved"},
    {problem::no_family, "no_family", network_unreachable, 502,
     "this proxy has no address of the destination's family"},
    {problem::network_unreachable, "network_unreachable", network_unreachable, 502, "the network cannot be reached"},
    {problem::host_unreachable, "host_unreachable", host_unreachable, 502, "the host cannot be reached"},
    {problem::refused, "refused", connection_refused, 502, "the destination refused the connection"},
    {problem::timed_out, "timed_out", ttl_expired, 504, "the destination did not answer in time"},
    {problem::stopping, "stopping", general_failure, 503, "this proxy is about to stop"},
    {problem::failed, "failed", general_failure, 502, "the connection could not be made"},
}};

constexpr bool in_order() noexcept {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (static_cast<std::size_t>(rows[i].what) != i) return false;
    }
    return true;
}
static_assert(in_order());

}  // namespace

const problem_row& row_of(problem what) noexcept { return rows[static_cast<std::size_t>(what)]; }

problem problem_of(const std::error_code& ec) noexcept {
    if (!ec) return problem::none;
    if (ec == berth::errc::block_exhausted || ec == berth::errc::too_many_destinations) return problem::exhausted;
    if (ec == asio::error::operation_aborted) return problem::timed_out;
    if (ec == asio::error::host_not_found || ec == asio::error::host_not_found_try_again ||
        ec == asio::error::no_recovery || ec == asio::error::no_data)
        return problem::unresolved;
    if (ec.category() != asio::error::get_system_category() && ec.category() != std::system_category())
        return problem::failed;
    switch (static_cast<std::errc>(ec.value())) {  // Asio's category does not compare with std::errc
        case std::errc::address_not_available:
            return problem::exhausted;
        case std::errc::network_unreachable:
        case std::errc::network_down:
        case std::errc::address_family_not_supported:
            return problem::network_unreachable;
        case std::errc::host_unreachable:
            return problem::host_unreachable;
        case std::errc::connection_refused:
        case std::errc::connection_reset:
            return problem::refused;
        case std::errc::timed_out:
            return problem::timed_out;
        case std::errc::permission_denied:
        case std::errc::operation_not_permitted:
            return problem::not_allowed;
        default:
            return problem::failed;
    }
}

}  // namespace outbound_proxy
