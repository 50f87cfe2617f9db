// associate + bind on a caller's own socket: what the caller had set is set on the session socket that takes its
// place.
//
// Invariant: each option that differs from a fresh socket's is either carried or refused by name; none is lost
// silently. Carried is what can be read and undone (buffers, TOS, TTL, no-delay, keepalive, linger, O_NONBLOCK …);
// refused is what berth could not take back (filters, memberships, a bound device, an upper-layer protocol …).
#pragma once

#include "platform/linux/option_table.hpp"
#include "platform/linux/system_calls.hpp"
#include "platform/port_provider.hpp"

#include <berth/error.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace berth::platform {

class option_carrier {
public:
    /// Remembers what a socket of this family and kind is like when just made: unbound, nothing set. Makes and closes
    /// one. nullptr and error = -errno if the system refuses. Once a block and kind.
    static std::unique_ptr<option_carrier> capture(system_calls& calls, int domain, port_kind kind,
                                                   int& error) noexcept;

    /// Reads `from`, then sets on `onto` what differs. On a refusal `onto` is untouched and f.code is
    /// errc::option_refused; on a failed set what was set stays, for option_audit to undo. Thread-safe.
    void carry(system_calls& calls, int from, int onto, failure& f) const;

private:
    option_carrier() = default;
    std::vector<option_value> baseline_;
    std::array<std::uint32_t, 3> memory_{};  // receive buffer, send buffer, option memory
};

}  // namespace berth::platform
