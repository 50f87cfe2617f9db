// The few bare socket calls that victims and their clients make in these tests. Loopback only, never waiting long.
#pragma once

#include "attack_variations.hpp"

#include <cstdint>

namespace berth::test {

enum class loopback : std::uint8_t { four, mapped, six };  ///< 127.0.0.1, ::ffff:127.0.0.1, ::1
enum class closes_first : std::uint8_t { client, server };

int family_for(loopback to);
int new_socket(int family, attacked what);  ///< non-blocking; AF_INET6 is dual-stack. Throws where none can be had.
void set_flag(int descriptor, int name, int value);
std::uint16_t bind_anywhere(int descriptor);  ///< wildcard address, a number from the kernel
bool bind_port(int descriptor, std::uint16_t port);
void dissolve(int descriptor);  ///< connect(AF_UNSPEC)
bool wait_readable(int descriptor);

bool connect_to(int descriptor, loopback to, std::uint16_t port);
int accept_soon(int listener);  ///< -1 if nobody comes
bool carries_one_byte(int from, int to);
/// A client connects and sends a byte; true if this listener got it.
bool serve_one_client(int listener, loopback to, std::uint16_t port, closes_first who = closes_first::server);
/// A datagram is sent; true if this socket got it.
bool receive_one_datagram(int descriptor, loopback to, std::uint16_t port);

}  // namespace berth::test
