// A UDP socket on a port of the kernel's choice with room for what a whole crowd has under way.
#pragma once

#include "loopback/load/client_socket.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace berth::bench {

/// address: host byte order. Throws std::runtime_error.
inline client_socket open_roomy_socket(std::uint32_t address) {
    client_socket s(raw::open_socket(SOCK_DGRAM));
    sockaddr_in local = raw::any_address(0);
    local.sin_addr.s_addr = htonl(address);
    if (::bind(s.fd(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
        throw std::runtime_error(std::string("no UDP socket: ") + std::strerror(errno));
    constexpr int room = 32 << 20;
    if (!raw::set_option(s.fd(), SOL_SOCKET, SO_RCVBUFFORCE, room))
        raw::set_option(s.fd(), SOL_SOCKET, SO_RCVBUF, room);
    if (!raw::set_option(s.fd(), SOL_SOCKET, SO_SNDBUFFORCE, room))
        raw::set_option(s.fd(), SOL_SOCKET, SO_SNDBUF, room);
    return s;
}

}  // namespace berth::bench
