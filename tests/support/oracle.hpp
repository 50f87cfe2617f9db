// The oracle: which sockets the kernel has on a range of ports, asked without any of berth's own code.
//
// Two sources, merged: a sock_diag dump with all states and BOUND_INACTIVE (bound TCP sockets that neither listen nor
// connect: /proc does not list those), and /proc/net/{tcp,tcp6,udp,udp6}. What only one of them shows is kept, so
// that neither can hide a socket. No filter runs in the kernel: every entry is read and compared here. On a busy
// machine the two readings are not one instant; where that matters the caller holds still what it looks at.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <set>
#include <string>
#include <vector>

namespace berth::test {

enum class oracle_protocol : std::uint8_t { tcp, udp };

struct socket_seen {
    std::uint16_t port = 0;
    std::uint16_t remote_port = 0;
    int family = 0;  ///< AF_INET or AF_INET6
    int state = 0;   ///< the kernel's: 1 established, 6 time-wait, 7 closed, 10 listening, 13 bound only
    std::uint32_t uid = 0;
    std::uint64_t inode = 0;   ///< 0: no descriptor names it any more, or not yet
    std::uint64_t cookie = 0;  ///< 0: only /proc showed it
    bool in_proc = false;
};
std::ostream& operator<<(std::ostream& out, const socket_seen& s);

/// Every socket with a local port in first … first + count - 1, by port. Throws if neither source can be read.
std::vector<socket_seen> sockets_on(oracle_protocol protocol, std::uint16_t first, std::uint32_t count = 1);

/// The inodes of the sockets that this process has descriptors of.
std::set<std::uint64_t> own_socket_inodes();

/// Those of sockets_on() that this process has a descriptor of.
std::vector<socket_seen> own_on(oracle_protocol protocol, std::uint16_t first, std::uint32_t count = 1);

/// sockets_on() without our own and without what no process has: those that wait for time, or were never accepted.
std::vector<socket_seen> strangers_on(oracle_protocol protocol, std::uint16_t first, std::uint32_t count = 1);

}  // namespace berth::test
