// What an intruder tries: every way known to us of getting a socket onto somebody else's port, as data.
//
// The list is the product of addresses, reuse flags, protocols and extras, plus the ways in which the kernel chooses
// the port itself. TCP_REPAIR is not in it: the promise leaves CAP_NET_ADMIN's repair mode out (a process with it may
// overwrite any socket's identity). A variation that the system refuses for want of a right or an address is skipped
// by the intruder, and counted, so that a run says what it did not try.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

namespace berth::test {

/// What the sockets of one attack are: the numbers of TCP and UDP are apart.
enum class attacked : std::uint8_t { udp, tcp };

/// How the port gets onto the socket.
enum class attack_way : std::uint8_t {
    bind,            ///< bind to the number
    bind_zero,       ///< bind(0), with a range of this one number
    connect,         ///< connect chooses, with a range of this one number
    connect_late,    ///< bind to an address without a number (IP_BIND_ADDRESS_NO_PORT), then connect chooses
    listen_or_send,  ///< listen (TCP) or sendto (UDP) chooses, with a range of this one number
};

/// One option more than the reuse flags.
enum class attack_extra : std::uint8_t {
    none,
    device_name,      ///< SO_BINDTODEVICE lo
    device_index,     ///< SO_BINDTOIFINDEX, lo's
    device_unused,    ///< SO_BINDTOIFINDEX, an index that no interface has
    free_bind,        ///< IP_FREEBIND
    transparent,      ///< IP_TRANSPARENT, where permitted
    address_no_port,  ///< IP_BIND_ADDRESS_NO_PORT
    port_range,       ///< IP_LOCAL_PORT_RANGE of this one number
    v6_only,          ///< IPV6_V6ONLY on; elsewhere it is off
    defer_accept,     ///< TCP_DEFER_ACCEPT
};

struct attack_variation {
    attack_way way = attack_way::bind;
    attack_extra extra = attack_extra::none;
    bool reuse_address = false;
    bool reuse_port = false;
    bool sharp = false;          ///< known to win against a losing design: tried more often
    int protocol = 0;            ///< 0 or MPTCP's
    sockaddr_storage address{};  ///< port 0; the intruder fills in the number
    socklen_t address_size = 0;
    std::string address_text;

    [[nodiscard]] int family() const noexcept { return address.ss_family; }
    [[nodiscard]] std::string describe() const;
};

/// The whole list for this machine: its other local and link-local addresses take part where it has any.
std::vector<attack_variation> attack_variations(attacked what);

/// In a network namespace of our own, with the right to: gives lo an address of each sort besides 127.0.0.1 and ::1,
/// and lets the kernel choose from all numbers, so that no variation is idle. Elsewhere does nothing.
void prepare_attack_ground();

}  // namespace berth::test
