// The contract between `loopback` and a server that it measures; bench/baseline holds examples.
//
//   server --scenario tcp_echo|tcp_echo_large|accept|udp_echo --size BYTES --ready-fd FD [--offload] [--spin]
//
// A server links berth_contract, which holds main(), and defines the two functions below. It takes its socket from
// open_listener() or open_udp_socket(), so that all have the same options and a port that the kernel chose, calls
// announce() once a client may come, and echoes until it is killed. It runs where and as long as `loopback` has it
// run: the processor and the end of its life are set before it starts. accept is tcp_echo with clients that come and
// go. --offload: a sender may let the kernel cut several datagrams out of one. --spin: a loop looks again and again
// instead of sleeping.
#pragma once

#include <cstddef>
#include <string>

namespace berth::bench {

struct server_order {
    std::string scenario;
    std::size_t size = 64;  // of a message
    int ready_fd = -1;
    bool offload = false;
    bool spin = false;
};

/// Defined by the contestant; they return only if they cannot go on, or throw.
void serve_tcp(const server_order& order);
void serve_udp(const server_order& order);

/// Pre: `fd` is bound. Hands its port to `loopback`.
void announce(const server_order& order, int fd);

/// Room for one read: more than a message, so that a read of a whole message is seen to be short.
inline std::size_t read_size(const server_order& order) noexcept { return order.size <= 1536 ? 2048 : 65'536; }

}  // namespace berth::bench
