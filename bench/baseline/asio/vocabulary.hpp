// Whose loop and sockets the sources of this folder are built on: Asio's own, or berth's, which take the same calls.
#pragma once

#include <asio.hpp>

#ifdef BENCH_ON_BERTH
#include <berth/tcp_acceptor.hpp>
#include <berth/udp_socket.hpp>
#endif

namespace berth::bench {

#ifdef BENCH_ON_BERTH
using server_loop = berth::io_context;
using tcp_socket = berth::tcp_socket;
using tcp_acceptor = berth::tcp_acceptor;
using udp_socket = berth::udp_socket;
#else
struct server_loop : asio::io_context {
    server_loop() : asio::io_context(1) {}  // one thread runs it
};
using tcp_socket = asio::ip::tcp::socket;
using tcp_acceptor = asio::ip::tcp::acceptor;
using udp_socket = asio::ip::udp::socket;
#endif

}  // namespace berth::bench
