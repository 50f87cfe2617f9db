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
/// a TCP socket that is bound only is 7 as well. TIME_WAIT rows (6) have inode 0 and the cookie of their socket.
struct socket_row {
    std::uint16_t port;   ///< host byte order
    std::uint8_t family;  ///< AF_INET or AF_INET6
    std::uint8_t state;
    std::uint64_t cookie;  ///< SO_COOKIE
    std::uint32_t uid;
    std::uint32_t inode;      ///< 0: no file (TIME_WAIT, a queued client, an MPTCP subflow)
    std::uint32_t interface;  ///< SO_BINDTODEVICE index, 0: none
};

/// The kernel's numbers of socket_row::state.
enum tcp_state : std::uint8_t {
    established = 1, syn_sent, syn_recv, fin_wait1, fin_wait2, time_wait, close_, close_wait, last_ack, listen_,
    closing, new_syn_recv, bound_inactive
};

/// What is left of a connection that no process has: it cannot bind or listen.
[[nodiscard]] bool is_remains(const socket_row& row) noexcept;

[[nodiscard]] bool is_listed(const std::vector<socket_row>& rows, std::uint64_t cookie) noexcept;

/// One family's dump, read message by message, for who must not be held up by all of it at once.
class socket_dump {
public:
    socket_dump(system_calls& calls, bool tcp, int family, std::uint16_t first, std::uint32_t count,
                bool all_states_incl_bound = true);
    ~socket_dump();
    socket_dump(const socket_dump&) = delete;
    socket_dump& operator=(const socket_dump&) = delete;

    /// Appends some rows, a few hundred at most; those of an attempt that is made again go. 1: call again, with `out`
    /// as it is; 0: complete; -errno: `out` is as it was before the first call.
    int read(std::vector<socket_row>& out);

private:
    int ask();
    int receive(std::vector<socket_row>& out);
    void close() noexcept;

    system_calls& calls_;
    const bool tcp_;
    const int family_;
    const std::uint16_t first_, last_;
    const bool bound_;
    const int error_;
    int fd_ = -1;
    int tries_ = 0;
    bool interrupted_ = false;
    std::size_t start_ = 0;
    std::vector<unsigned char> buffer_;
};

/// One family's part of dump_sockets().
int dump_family(system_calls& calls, bool tcp, int family, std::uint16_t first, std::uint32_t count,
                std::vector<socket_row>& out, bool all_states_incl_bound = true);

/// Appends every socket on ports [first, first + count). `all_states_incl_bound` false leaves out TCP sockets that
/// are bound only. 0 or -errno; on failure `out` is as it was. Milliseconds: the kernel walks its tables.
int dump_sockets(system_calls& calls, bool tcp, std::uint16_t first, std::uint32_t count,
                 std::vector<socket_row>& out, bool all_states_incl_bound = true);

/// True if this kernel lists bound TCP sockets. Binds one for the question; ask once and keep the answer.
bool dump_sees_bound_sockets(system_calls& calls);

}  // namespace berth::platform
