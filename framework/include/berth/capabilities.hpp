// Facts about this system, asked for at run time: who reserves, how ports are parked, what cannot be promised.
//
// A sentence in `limits` is a promise that this system cannot keep in full; nothing is ever silently weakened.
#pragma once

#include <berth/detail/config.hpp>
#include <berth/reservation_request.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace berth::inline v0_1 {

/// How a session socket is silenced at give back, and at what cost (ARCHITECTURE.md, "Holder and session socket").
enum class park_method : std::uint8_t {
    none,           ///< nothing to silence (a TCP socket that does not listen)
    filter_map,     ///< one eBPF filter for the block, one store a port; needs CAP_BPF
    interface_tag,  ///< UDP: tagged with an interface that does not exist; datagrams fall to the holder
    minimum_ttl,    ///< TCP listener: IP_MINTTL / IPV6_MINHOPCOUNT 255; a neighbour's TTL-255 SYN still passes
    emptied,        ///< nothing silences it: what came while it was parked is thrown away at take
};

/// How the ports of one protocol were bound, and what that leaves open while reserve runs (the table there).
enum class hold_method : std::uint8_t {
    repair,          ///< TCP with CAP_NET_ADMIN: no window
    reuse_toggle,    ///< TCP: 0.8 us in which SO_REUSEADDR intruders can bind; found by the closing check
    interface_tags,  ///< UDP: device-bound intruders only; found by the closing check
    runtime_reservation,  ///< the system's own (SIO_ACQUIRE_PORT_RESERVATION): no window
    exclusive_bind,       ///< SO_EXCLUSIVEADDRUSE, port by port: no window while reserving
};

struct capabilities {
    std::string provider;      ///< "linux", "windows", ...
    bool can_reserve = false;  ///< false: every reserve fails with operation_not_supported
    bool check_sees_bound_sockets =
        false;  ///< the closing check sees bound TCP sockets that neither listen nor connect
    park_method park_udp = park_method::none;
    park_method park_tcp_listen = park_method::none;
    hold_method hold_tcp = hold_method::reuse_toggle;
    hold_method hold_udp = hold_method::interface_tags;
    bool parked_listener_is_silent = true;   ///< a SYN to a parked listener is dropped, not answered by a reset
    std::uint32_t descriptors_per_port = 2;  ///< per protocol
    std::uint64_t descriptor_limit = 0;      ///< RLIMIT_NOFILE now
    std::uint32_t kernel_bytes_per_tcp_port =
        0;  ///< bytes of kernel memory, measured on the kernel named in ARCHITECTURE.md
    std::uint32_t kernel_bytes_per_udp_port = 0;
    bool can_persist = false;     ///< persistent reservations can be made: a berthd answers, or the system keeps them
    bool can_hand_over = false;   ///< handover_offer and receive_handover: sockets pass from process to process
    std::string keeper;           ///< who holds their ports while berthd is not there; empty if !can_persist
    std::vector<std::string> limits;  ///< what cannot be promised here, one sentence each
};

/// The facts for a request's parking preference. Thread-safe. Probes the system at each call (about a millisecond),
/// and asks berthd how it is (a fifth of a second at most, if it hangs).
BERTH_DECL capabilities query_capabilities(parking preference = parking::best);

}  // namespace berth::v0_1
