// Makes a socket; see new_socket.cpp for why it is a source of its own.
#pragma once

namespace berth::compat {

/// -1 and both last errors, the system's and Windows', if it is refused.
int new_socket(int family, int type, int protocol, bool is_overlapped, bool is_inherited) noexcept;

}  // namespace berth::compat

extern "C" int berth_compat_socket(int family, int type, int protocol) noexcept;
