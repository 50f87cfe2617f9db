// A session socket that comes back from other hands is made as new, or condemned.
//
// Invariant: after restore() returned as_new, every option that option_table.hpp says to undo reads as on a fresh
// session socket, no filter, membership or flow label was added, the file's flags and signal owner are the fresh
// ones, and (UDP) the socket hears strangers and is not shut down: those two no option tells, so sock_diag is asked,
// once a socket. What cannot be set back condemns: a locked or foreign filter, SO_TXTIME, an encapsulation, a memory
// charge that stays, the remote address that an IPv6 UDP socket remembers.
#pragma once

#include "platform/linux/option_table.hpp"
#include "platform/linux/system_calls.hpp"
#include "platform/linux/udp_hearing.hpp"
#include "platform/port_provider.hpp"

#include <berth/error.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace berth::platform {

enum class verdict : std::uint8_t { as_new, condemned };

class option_audit {
public:
    /// Remembers what a session socket is like before it is lent: bound, listening if it is to listen, its filter of
    /// berth attached, not connected. Any one of the block's session sockets of the kind will do; restore() expects
    /// them in the same state (a minimum TTL, a classic filter that parks: on in both, or off in both).
    /// nullptr and error = -errno if the system refuses.
    static std::unique_ptr<option_audit> capture(system_calls& calls, int fresh, port_kind kind, int& error) noexcept;

    /// Compares, sets back what differs, reads again. Pre: not connected, the state of capture().
    /// `refused` names the option that condemned (static text), if wanted. Thread-safe, waits for nobody.
    verdict restore(system_calls& calls, int fd, std::uint16_t port, std::uint64_t cookie,
                    const char** refused = nullptr) noexcept;

private:
    static std::unique_ptr<option_audit> capture_all(system_calls& calls, int fresh, port_kind kind, int& error);
    option_audit() = default;
    std::vector<option_value> baseline_;  // rows this kernel lacks for this kind are left out
    udp_hearing hearing_;
    int flags_ = 0;
    int domain_ = 0;
    std::array<std::uint32_t, 3> memory_{};    // receive buffer, send buffer, option memory
    std::array<unsigned char, 16> address_{};  // local address, as bound
    port_kind kind_ = port_kind::udp;
};

}  // namespace berth::platform
