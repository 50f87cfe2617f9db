// Getting a socket off the completion port that somebody put it on.
//
// A socket stays on its port for ever, and its next session's operations would complete there, unless the system can
// replace the port by none (Windows 8.1 and later). Where it cannot, whether a socket is on one can at least be found
// out on some systems (Wine); how this one answers is tried once with a socket of our own, never guessed by version.
#pragma once

#include "platform/windows/windows_calls.hpp"

namespace berth::platform {

struct completion_exit {
    bool can_leave = false;
    bool can_tell = false;

    static completion_exit find(windows_calls& os) noexcept;
    /// True: the socket is on no completion port now. False: it is, or it cannot be told.
    bool take_off(windows_calls& os, native_socket s) const noexcept;
    /// True: it is certainly on one.
    bool is_on_one(windows_calls& os, native_socket s) const noexcept;
};

}  // namespace berth::platform
