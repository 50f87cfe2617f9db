// The floor of what spinning can reach over TCP: one connection at a time, whose socket is asked again and again.
//
// No event loop at all, and a processor of its own: what is left is the way through the kernel, there and back.
#include "baseline/raw/sockets.hpp"
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"

#include <cerrno>
#include <stdexcept>
#include <vector>

namespace berth::bench {
namespace {

void echo(int fd, std::vector<char>& buffer) {
    for (;;) {
        const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) continue;
        if (got <= 0) return;
        if (::send(fd, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) return;
    }
}

}  // namespace

void serve_tcp(const server_order& order) {
    const int listener = open_listener();
    announce(order, listener);
    for (std::vector<char> buffer(read_size(order));;) {
        const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) continue;
        echo(fd, buffer);
        ::close(fd);
    }
}

void serve_udp(const server_order&) { throw std::runtime_error("only TCP: there is nothing to be learnt from UDP"); }

}  // namespace berth::bench
