// The few bare socket calls that victims and their clients make in these tests. Loopback only, never waiting long.
#pragma once

#include "attack_variations.hpp"

#include <cstdint>

namespace berth::test {

int new_socket(int family, attacked what);  ///< non-blocking; AF_INET6 is dual-stack. Throws where none can be had.
void set_flag(int descriptor, int name, int value);
std::uint16_t bind_anywhere(int descriptor);  ///< wildcard address, a number from the kernel
bool bind_port(int descriptor, std::uint16_t port);
void dissolve(int descriptor);  ///< connect(AF_UNSPEC)
bool wait_readable(int descriptor, int milliseconds = 20);

bool connect_loopback(int descriptor, std::uint16_t port);  ///< 127.0.0.1, mapped for AF_INET6
int accept_soon(int listener);                              ///< -1 after 20 ms
/// A client connects to 127.0.0.1:port; true if this listener got it.
bool serve_one_client(int listener, std::uint16_t port);
/// A datagram is sent to 127.0.0.1:port; true if this socket got it.
bool receive_one_datagram(int descriptor, std::uint16_t port);

}  // namespace berth::test
