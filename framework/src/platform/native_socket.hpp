// How a system numbers its sockets. A header of its own, so that a backend can do without the rest of the platform.
#pragma once

#include <cstdint>

namespace berth::platform {

using native_socket = std::intptr_t;  // int on POSIX, SOCKET on Windows; -1: none

}  // namespace berth::platform
