// libuv over UDP: recvmmsg on the way in (twenty datagrams a call, libuv's most), one call per datagram on the way
// out.
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"

#include <uv.h>

#include <stdexcept>
#include <vector>

namespace berth::bench {
namespace {

std::vector<char> read_buffer(20 * 65'536);

void check(int result) {
    if (result < 0) throw std::runtime_error(uv_strerror(result));
}

void lend(uv_handle_t*, std::size_t, uv_buf_t* out) {
    *out = uv_buf_init(read_buffer.data(), static_cast<unsigned>(read_buffer.size()));
}

void received(uv_udp_t* socket, ssize_t size, const uv_buf_t* bytes, const sockaddr* sender, unsigned) {
    if (size < 0 || sender == nullptr) return;
    const uv_buf_t answer = uv_buf_init(bytes->base, static_cast<unsigned>(size));
    uv_udp_try_send(socket, &answer, 1, sender);
}

}  // namespace

void serve_udp(const server_order& order) {
    uv_loop_t loop;
    check(uv_loop_init(&loop));
    uv_udp_t socket;
    check(uv_udp_init_ex(&loop, &socket, AF_UNSPEC | UV_UDP_RECVMMSG));
    const int fd = open_udp_socket();
    check(uv_udp_open(&socket, fd));
    check(uv_udp_recv_start(&socket, lend, received));
    announce(order, fd);
    uv_run(&loop, UV_RUN_DEFAULT);
}

}  // namespace berth::bench
