// From a signal's handler, which may do next to nothing, to a socket that a loop listens to.
#pragma once

#include <berth/detail/native_calls.hpp>

namespace berth::detail {

/// Two ends of a private channel: what is written for a signal, and what a loop reads.
struct signal_channel {
    native_value reading = -1;
    native_value writing = -1;
};

BERTH_DECL signal_channel open_signal_channel(int& error) noexcept;
BERTH_DECL void close_signal_channel(signal_channel& channel) noexcept;

/// From now on each signal of that number is one byte, its number, in the channel. The first to ask for a number
/// installs the process's handler for it, the last to leave restores what was there. Thread-safe.
/// error: EINVAL for a number that is none or cannot be caught, ENOSPC after sixteen channels for one number.
BERTH_DECL void relay_signal(int number, const signal_channel& channel, int& error) noexcept;
BERTH_DECL void stop_relaying_signal(int number, const signal_channel& channel) noexcept;

}  // namespace berth::detail
