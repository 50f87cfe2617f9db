// Windows' socket headers, in the order that they need, with Winsock started before the first call.
#pragma once

#include <winsock2.h>
#include <ws2tcpip.h>

#include <mswsock.h>

#include <cstdint>

namespace berth::platform {

/// Winsock is started once in a process, by whoever calls first, and stays; 0, or the system's error number.
int start_winsock() noexcept;

inline SOCKET as_socket(std::intptr_t socket) noexcept { return static_cast<SOCKET>(socket); }
/// INVALID_SOCKET is -1 here too. Windows gives handles that fit into 32 bits.
inline std::intptr_t as_native(SOCKET socket) noexcept { return static_cast<std::intptr_t>(socket); }

/// Children do not inherit it, as nobody inherits what is close-on-exec elsewhere.
inline void keep_from_children(SOCKET socket) noexcept {
    ::SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT, 0);
}

}  // namespace berth::platform
