// The documents' three operations in the documents' shape: a descriptor, what goes in, what comes out.
//
// Why: the tests of the documents speak in the documents' terms; how berth spells its calls is said here alone.
#pragma once

#include <berth/associate.hpp>
#include <berth/error.hpp>
#include <berth/port_reservation.hpp>
#include <berth/reservation_request.hpp>
#include <berth/reservation_token.hpp>

#include <asio/ip/address.hpp>

#include <cstdint>

#include "documents_sockets.hpp"

namespace documents {

using berth::errc;
using berth::error_code;

struct acquired {
    berth::port_block block;
    berth::reservation_token token;
    berth::failure why;  // false: acquired
};

/// `count` ports from `first` on, 0: wildcard. TCP or UDP, as the socket is.
inline acquired acquire(int fd, std::uint32_t count, std::uint16_t first = 0) {
    acquired answer;
    const auto instance = berth::reserve_on(fd, berth::port_block{first, count}, answer.why);
    answer.block = instance.block;
    answer.token = instance.token;
    return answer;
}
inline acquired acquire(const plain_socket& socket, std::uint32_t count, std::uint16_t first = 0) {
    return acquire(socket.fd(), count, first);
}

inline error_code associate(int fd, berth::reservation_token token) {
    error_code ec;
    berth::associate(fd, token, ec);
    return ec;
}
inline error_code associate(const plain_socket& socket, berth::reservation_token token) {
    return associate(socket.fd(), token);
}

/// bind on an address, by default IPv4's "all" and port 0, which leaves the choice to the block.
inline error_code bind(const plain_socket& socket, std::uint16_t port = 0,
                       const asio::ip::address& address = asio::ip::address_v4::any()) {
    error_code ec;
    berth::bind(socket.fd(), berth::bind_endpoint(address, port), ec);
    return ec;
}
inline error_code associate_and_bind(const plain_socket& socket, berth::reservation_token token) {
    const error_code ec = associate(socket, token);
    return ec ? ec : bind(socket);
}

/// Closes the socket as well, unless it is refused.
inline error_code give_back(plain_socket& socket) {
    error_code ec;
    berth::give_back(socket.fd(), ec);
    if (!ec) socket.forget();
    return ec;
}

inline berth::failure release(int fd, berth::reservation_token token) {
    berth::failure why;
    berth::release(fd, token, why);
    return why;
}
inline berth::failure release(const plain_socket& socket, berth::reservation_token token) {
    return release(socket.fd(), token);
}

/// The first of `count` ports of the type that were free a moment ago; 0 if there are none.
inline std::uint16_t free_block(int type, std::uint32_t count) {
    const plain_socket socket(AF_INET, type);
    const acquired found = acquire(socket, count);
    if (found.why || release(socket, found.token)) return 0;
    return found.block.first;
}

/// Without a socket: berth's own form, for what the documents' form cannot ask for.
inline berth::port_reservation reserve(berth::transport protocol, std::uint32_t count,
                                       const char* address = "0.0.0.0", berth::tcp_use use = berth::tcp_use::listen) {
    berth::reservation_request request;
    request.block.count = count;
    request.protocol = protocol;
    request.family = berth::address_family::ipv4;
    request.use = use;
    request.address = asio::ip::make_address(address);
    return berth::port_reservation::reserve(request);
}

}  // namespace documents
