// Who is on a port, by the kernel's own books: sock_diag dumps with a port filter that runs in the kernel.
//
// Invariant: a successful dump saw every socket of the protocol bound to the ports, both families, in every state; a
// dump that the kernel marks as interrupted, or that overflowed, is made again. An MPTCP socket is listed through its
// TCP subflow: the subflow is what is bound. Kernels before 6.8 do not list TCP sockets that are bound but neither
// listen nor connect; dump_sees_bound_sockets() finds out by looking for one.
#pragma once

#include "platform/linux/system_calls.hpp"

#include <cstdint>
#include <vector>

namespace berth::platform {

/// One socket of a dump. `state` is the kernel's TCP_* number, also for UDP (7: not connected, 1: connected);
/// a TCP socket that is bound only is 7 as well. TIME_WAIT rows (6) have inode 0 and a cookie of their own.
struct socket_row {
    std::uint16_t port;   ///< host byte order
    std::uint8_t family;  ///< AF_INET or AF_INET6
    std::uint8_t state;
    std::uint64_t cookie;  ///< SO_COOKIE
    std::uint32_t uid;
    std::uint32_t inode;      ///< 0: no file (TIME_WAIT, a queued client, an MPTCP subflow)
    std::uint32_t interface;  ///< SO_BINDTODEVICE index, 0: none
};

/// Appends every socket on ports [first, first + count). `all_states_incl_bound` false leaves out TCP sockets that
/// are bound only. 0 or -errno; on failure `out` is as it was. Milliseconds: the kernel walks its tables.
int dump_sockets(system_calls& calls, bool tcp, std::uint16_t first, std::uint32_t count,
                 std::vector<socket_row>& out, bool all_states_incl_bound = true);

/// True if this kernel lists bound TCP sockets. Binds one for the question; ask once and keep the answer.
bool dump_sees_bound_sockets(system_calls& calls);

}  // namespace berth::platform
