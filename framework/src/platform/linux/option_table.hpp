// The socket options that a user of a session socket can change: what they are called, and what berth does about
// each.
//
// One row an option, read by option_audit (back to as new) and option_carrier (from a caller's socket onto ours).
// A row is in the table for the kinds and families in which it has an effect. Options that need no row: buffers,
// filters, memberships, flow labels, sticky IPv6 extension headers and TCP keys show in SO_MEMINFO. Not covered,
// because the kernel shows them nowhere: IPsec policies, the interface of IP_MULTICAST_IF when set by index (the
// audit clears it unseen), the RFC 2292 receive flags, a TCP_FASTOPEN_KEY of the socket's own. Order matters: IP_TOS
// sets SO_PRIORITY as well, so priority comes later.
#pragma once

#include "platform/linux/system_calls.hpp"
#include "platform/port_provider.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace berth::platform {

enum class undo : std::uint8_t {
    set_back,     ///< write the neutral value, read again, compare with the fresh one
    settle,       ///< write the neutral value, do not read again: the kernel moves it by itself as well
    clear_blind,  ///< write zeros, unread: cannot be read, or the kernel clears several options at once
    condemn,      ///< cannot be undone
    leave,        ///< another row's undo clears it, or it has no effect on a bound socket: not even read
};

enum class carry : std::uint8_t {
    over,    ///< set on the session socket
    refuse,  ///< named in the failure
    ignore,  ///< means nothing on a port that is bound already
};

inline constexpr int fresh_value = -0x7fffffff;

struct option_row {
    int level;
    int name;
    const char* text;
    std::uint8_t size;      ///< bytes to read; 0: only how many there are
    std::uint8_t kinds;     ///< bits for_udp, for_listen, for_connect
    std::uint8_t families;  ///< bits speaks_ipv4, speaks_ipv6
    undo back;
    carry across;
    int neutral = fresh_value;  ///< what to write to undo, where that is not the fresh value as read
};

inline constexpr std::uint8_t for_udp = 1, for_listen = 2, for_connect = 4, for_tcp = 6, for_all = 7;
inline constexpr std::uint8_t speaks_ipv4 = 1, speaks_ipv6 = 2, speaks_any = 3;

/// A row and what one socket says to it.
struct option_value {
    const option_row* row = nullptr;
    socklen_t size = 0;
    std::array<unsigned char, 40> bytes{};
};

[[nodiscard]] std::span<const option_row> option_table() noexcept;

/// 0 or -errno.
int read_option(system_calls& calls, int fd, const option_row& row, option_value& out) noexcept;
int write_option(system_calls& calls, int fd, const option_value& value) noexcept;
/// What a kernel says of an option that it does not have. Any other error: the option is there, and could not be had.
[[nodiscard]] bool is_absent(int error) noexcept;
[[nodiscard]] bool same(const option_value& a, const option_value& b) noexcept;

/// What `fd` says to every row for its kind and family; rows that this kernel does not know are left out. Rows to be
/// cleared blind are there even if they cannot be read, with zeros. One that is there and cannot be read is an error:
/// it would not be looked at for the block's life. 0 or -errno.
int read_all_options(system_calls& calls, int fd, port_kind kind, std::vector<option_value>& out);

/// SO_MEMINFO's receive buffer, send buffer and option memory, bytes. 0 or -errno.
int read_memory(system_calls& calls, int fd, std::array<std::uint32_t, 3>& out) noexcept;

/// Makes the buffers those of `wanted` (as SO_MEMINFO counts, 2 x what is asked for). Locks their size, as any
/// SO_RCVBUF does: SO_BUF_LOCK comes after. 0 or -errno.
int write_buffers(system_calls& calls, int fd, const std::array<std::uint32_t, 3>& wanted) noexcept;

}  // namespace berth::platform
