// What a server asks of the system beside its loops' operations, and what the system says when accepting fails.
#pragma once

#include "platform/native_socket.hpp"

#include <cstdint>

namespace berth::platform {

enum class accept_trouble : std::uint8_t {
    aborted,     ///< called off by ourselves
    connection,  ///< that one connection; the next may be fine
    shortage,    ///< descriptors or memory have run out
    other,
};

/// error: the system's number.
accept_trouble accept_trouble_of(int error) noexcept;

/// Another descriptor of the same socket, close-on-exec; -1 and the system's number if there is none.
native_socket duplicate(native_socket socket, int& error) noexcept;

/// A flood of SYNs would keep honest clients out, because it is switched off what answers them all the same
/// (net.ipv4.tcp_syncookies is 0). False where the system does not tell.
bool lacks_syn_cookies() noexcept;

/// Post: closed, and the other side hears a reset; nothing is sent any more.
void close_with_reset(native_socket socket) noexcept;

}  // namespace berth::platform
