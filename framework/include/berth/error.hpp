// What can go wrong, in Asio's manner: an errc with its own category, and `failure`, which adds words.
//
// Each value names one row of the documents' error tables (see tests/LEDGER.md for row by row). Where std::errc has
// an equivalent, `ec == std::errc::x` holds as well. No call of berth reports success and failure at once.
#pragma once

#include <berth/detail/config.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <type_traits>

namespace berth::inline v0_1 {

using error_code = std::error_code;

enum class errc {
    block_unavailable = 1,    ///< a port of the block is in use or reserved (WSAEADDRINUSE, ERROR_SHARING_VIOLATION)
    block_exhausted,          ///< no port of the block was available at some instant of the call (bind fails)
    invalid_argument,         ///< zero count, past port 65535, wildcard where a number is needed (WSAEINVAL)
    already_bound,            ///< the socket has a local port already; associate comes before bind (WSAEINVAL)
    not_associated,           ///< bind without a preceding associate (WSAEINVAL)
    address_mismatch,         ///< bind asks for an address that the block was not reserved on (WSAEADDRNOTAVAIL)
    family_mismatch,          ///< IPv4 socket on an IPv6 block or the reverse (WSAEINVAL)
    port_outside_block,       ///< bind asks for a port that is not one of the block's (WSAEINVAL)
    port_taken,               ///< the given port is one of the block's and not available now (WSAEADDRINUSE)
    invalid_token,            ///< unknown, released, forged or another process's token (WSAEINVAL)
    protocol_mismatch,        ///< TCP socket on a UDP block, a connecting use of a listening block (WSAEINVAL)
    operation_not_supported,  ///< neither TCP nor UDP, or this system cannot do it (WSAEOPNOTSUPP)
    permission_denied,        ///< privileged port, or no right to the block (WSAEACCES)
    not_a_socket,             ///< the descriptor is not a socket (WSAENOTSOCK)
    operation_aborted,        ///< closed or cancelled meanwhile (WSA_OPERATION_ABORTED)
    too_many_files,           ///< RLIMIT_NOFILE or the system's table is full; nothing is left half-held (WSAEMFILE)
    no_memory,                ///< memory ran out; nothing is left half-held (WSA_NOT_ENOUGH_MEMORY)
    reservation_busy,         ///< release refused: sockets of the block are still out; failure.count of them
    reservation_released,     ///< the reservation was released, or moved from
    option_refused,           ///< the caller's socket carries an option that cannot be carried over; failure names it
    forked,                   ///< a forked child used its parent's reservation
    wrong_namespace,          ///< the calling thread is in another network namespace than the block
    system_failure,           ///< the system refused for a reason that has no row of its own; failure names it
    no_such_reservation,      ///< no persistent reservation has exactly this block and protocol (ERROR_NOT_FOUND)
    service_unavailable,      ///< no berthd answers, or no predecessor (handover.hpp); failure names the socket
    quota_exceeded,           ///< whoever the key stands for holds all that it may, or keys are too many (quotas.hpp)
    too_many_destinations,    ///< the sets of an outbound block's destinations are as large as they may be
};

inline constexpr std::size_t errc_count = 28;  ///< values of errc, 0 (none) included

BERTH_DECL const std::error_category& error_category() noexcept;

inline error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), error_category()}; }

/// What failed, in words a person can act on. `what` names the value, the limit and the remedy.
struct failure {
    error_code code;          ///< success: no failure
    std::string what;         ///< empty on success
    std::uint32_t count = 0;  ///< ports concerned: those still out for reservation_busy, else as `what` says
    std::uint16_t port = 0;   ///< the port that failed, host byte order; 0: none in particular

    explicit operator bool() const noexcept { return static_cast<bool>(code); }
};

/// Thrown by the throwing forms. what() is the failure's text.
class reservation_error : public std::system_error {
public:
    explicit reservation_error(const failure& f) : std::system_error(f.code, f.what), count_(f.count) {}
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

private:
    std::uint32_t count_;
};

}  // namespace berth::v0_1

template <>
struct std::is_error_code_enum<berth::errc> : std::true_type {};
