// Asio over UDP with one C++20 coroutine, on epoll.
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"

#include "baseline/asio/vocabulary.hpp"

#include <vector>

namespace berth::bench {
namespace {

using asio::ip::udp;

asio::awaitable<void> echo(udp_socket& socket, std::size_t room) {
    std::vector<char> buffer(room);
    udp::endpoint sender;
    asio::error_code ec;
    for (;;) {
        const std::size_t size = co_await socket.async_receive_from(asio::buffer(buffer), sender,
                                                                    asio::redirect_error(asio::use_awaitable, ec));
        if (ec) continue;
        co_await socket.async_send_to(asio::buffer(buffer.data(), size), sender,
                                      asio::redirect_error(asio::use_awaitable, ec));
    }
}

}  // namespace

void serve_udp(const server_order& order) {
    server_loop loop;
    udp_socket socket(loop, udp::v4(), open_udp_socket());
    asio::co_spawn(loop, echo(socket, read_size(order)), asio::detached);
    announce(order, socket.native_handle());
    loop.run();
}

}  // namespace berth::bench
