// See server_sockets.hpp.
#include "loopback/contract/server_sockets.hpp"

#include "baseline/raw/sockets.hpp"

#include <netinet/tcp.h>

#include <system_error>

namespace berth::bench {
namespace {

void check(bool fine, const char* what) {
    if (!fine) throw std::system_error(errno, std::system_category(), what);
}

int bound(int type) {
    const int fd = raw::open_socket(type | SOCK_NONBLOCK);
    check(fd >= 0, "socket");
    const sockaddr_in address = raw::loopback_address(0);
    check(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
    return fd;
}

}  // namespace

int open_listener() {
    const int fd = bound(SOCK_STREAM);
    check(raw::set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1), "TCP_NODELAY");
    check(::listen(fd, 4096) == 0, "listen");
    return fd;
}

int open_udp_socket() {
    const int fd = bound(SOCK_DGRAM);
    constexpr int room = 4 << 20;
    if (!raw::set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, room)) raw::set_option(fd, SOL_SOCKET, SO_RCVBUF, room);
    return fd;
}

}  // namespace berth::bench
