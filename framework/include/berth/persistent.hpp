// Persistent reservations: blocks that outlive the process, and the machine's restart. On Linux berthd keeps them, on
// Windows the system itself.
//
// Every call asks the daemon at a Unix socket, or the system, waits for its answer (milliseconds; 30 seconds at most),
// and may be made from any thread. Windows has no more than create, remove and lookup: the other calls fail there with
// operation_not_supported, `use` is remembered by the process alone, and `socket_path` means nothing. Ports are in
// host byte order. Who may create may also remove, find and consume what anybody else created: one class of
// permission, as the documents have it (root, and the members of the daemon's group). Each call has three forms:
// `failure&`, which says what, why and what to do; `error_code&`; and throwing. What a daemon cannot promise,
// capabilities.hpp says: ports are free between the start of the system and its own. Documents:
// CreatePersistentTcpPortReservation, CreatePersistentUdpPortReservation and their Delete and Lookup.
#pragma once

#include <berth/error.hpp>
#include <berth/port_block.hpp>
#include <berth/reservation_request.hpp>
#include <berth/reservation_token.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace berth::inline v0_1 {

/// Where berthd listens unless it is told otherwise.
inline constexpr const char* default_service_socket = "/run/berth/berthd.sock";

struct persistent_options {
    tcp_use use = tcp_use::listen;  ///< create, TCP: what the block's ports are for
    std::string socket_path{};      ///< the daemon's; empty: $BERTH_SOCKET, or default_service_socket
};

/// A block that the daemon keeps.
struct persistent_block {
    port_block block{};
    transport protocol = transport::tcp;  ///< tcp or udp
    tcp_use use = tcp_use::listen;
    reservation_token token{};  ///< good until the system starts again
    bool is_held = false;       ///< false: somebody had a port of it when the daemon came; it is tried again
    bool is_draining = false;   ///< no more of its sockets go out
    std::uint32_t ports_out = 0;  ///< with consumers now, idle ones included
    std::uint32_t consumers = 0;  ///< shares of it that are open now
    std::string why_not_held{};
    std::chrono::system_clock::time_point created{};  ///< whole seconds
};

/// How the daemon is.
struct service_status {
    std::string keeper{};            ///< who holds the sockets when the daemon is not there
    std::uint32_t blocks = 0;        ///< that it keeps
    std::uint32_t blocks_held = 0;   ///< of these, bound now
    std::uint32_t ports = 0;         ///< of all blocks
    std::uint32_t ports_out = 0;     ///< of these, with consumers now
    std::uint32_t consumers = 0;     ///< shares that are open now
    std::uint32_t clients = 0;       ///< connected now
    std::uint32_t refused = 0;       ///< connections that were denied, malformed, too many or too slow
    std::uint32_t process = 0;       ///< the daemon's
    std::chrono::seconds uptime{0};  ///< the daemon's
};

/// Creates a persistent block of TCP or UDP ports. Post on success: every port is held, for this and every later
/// start of the daemon, and that is on the disk; the token names the block. Errors: invalid_argument (count 0, first
/// 0: there is no wildcard among these, past port 65535, a protocol that is not one of the two), block_unavailable (a
/// port is in use, or the block overlaps a live or persistent one), permission_denied, too_many_files,
/// service_unavailable, system_failure. On failure nothing is held. Document: CreatePersistentTcpPortReservation.
BERTH_DECL reservation_token create_persistent(const port_block& block, transport protocol, failure& f,
                                               const persistent_options& options = {}) noexcept;

/// Removes exactly this block. Post on success: the ports are the system's again, the token is invalid, and both are
/// on the disk. Errors: no_such_reservation, reservation_busy (sockets of it are with consumers; failure.count of
/// them), and those of create_persistent. Document: DeletePersistentTcpPortReservation.
BERTH_DECL void remove_persistent(const port_block& block, transport protocol, failure& f,
                                  const persistent_options& options = {}) noexcept;

/// The current token of exactly this block. A token is another one after each start of the system, and the same for
/// as long as it runs, however often the daemon is started. Errors: no_such_reservation, and those of
/// create_persistent. Document: LookupPersistentTcpPortReservation.
BERTH_DECL reservation_token lookup_persistent(const port_block& block, transport protocol, failure& f,
                                               const persistent_options& options = {}) noexcept;

/// All blocks, TCP first, ascending. Blocks that come or go meanwhile may be in it or not; all others are, once.
BERTH_DECL std::vector<persistent_block> list_persistent(failure& f, const persistent_options& options = {}) noexcept;

/// Post on success: no more sockets of this block go out (`draining`), or they do again. On the disk.
BERTH_DECL persistent_block drain_persistent(const port_block& block, transport protocol, bool draining, failure& f,
                                             const persistent_options& options = {}) noexcept;

BERTH_DECL service_status persistent_status(failure& f, const persistent_options& options = {}) noexcept;

// --- the other two forms ---

inline reservation_token create_persistent(const port_block& block, transport protocol, error_code& ec,
                                           const persistent_options& options = {}) {
    failure f;
    const auto token = create_persistent(block, protocol, f, options);
    ec = f.code;
    return token;
}
inline reservation_token create_persistent(const port_block& block, transport protocol,
                                           const persistent_options& options = {}) {
    failure f;
    const auto token = create_persistent(block, protocol, f, options);
    if (f) throw reservation_error(f);
    return token;
}
inline void remove_persistent(const port_block& block, transport protocol, error_code& ec,
                              const persistent_options& options = {}) {
    failure f;
    remove_persistent(block, protocol, f, options);
    ec = f.code;
}
inline void remove_persistent(const port_block& block, transport protocol, const persistent_options& options = {}) {
    failure f;
    remove_persistent(block, protocol, f, options);
    if (f) throw reservation_error(f);
}
inline reservation_token lookup_persistent(const port_block& block, transport protocol, error_code& ec,
                                           const persistent_options& options = {}) {
    failure f;
    const auto token = lookup_persistent(block, protocol, f, options);
    ec = f.code;
    return token;
}
inline reservation_token lookup_persistent(const port_block& block, transport protocol,
                                           const persistent_options& options = {}) {
    failure f;
    const auto token = lookup_persistent(block, protocol, f, options);
    if (f) throw reservation_error(f);
    return token;
}
inline std::vector<persistent_block> list_persistent(error_code& ec, const persistent_options& options = {}) {
    failure f;
    auto blocks = list_persistent(f, options);
    ec = f.code;
    return blocks;
}
inline std::vector<persistent_block> list_persistent(const persistent_options& options = {}) {
    failure f;
    auto blocks = list_persistent(f, options);
    if (f) throw reservation_error(f);
    return blocks;
}
inline persistent_block drain_persistent(const port_block& block, transport protocol, bool draining, error_code& ec,
                                         const persistent_options& options = {}) {
    failure f;
    auto now = drain_persistent(block, protocol, draining, f, options);
    ec = f.code;
    return now;
}
inline persistent_block drain_persistent(const port_block& block, transport protocol, bool draining,
                                         const persistent_options& options = {}) {
    failure f;
    auto now = drain_persistent(block, protocol, draining, f, options);
    if (f) throw reservation_error(f);
    return now;
}
inline service_status persistent_status(error_code& ec, const persistent_options& options = {}) {
    failure f;
    auto status = persistent_status(f, options);
    ec = f.code;
    return status;
}
inline service_status persistent_status(const persistent_options& options = {}) {
    failure f;
    auto status = persistent_status(f, options);
    if (f) throw reservation_error(f);
    return status;
}

}  // namespace berth::v0_1
