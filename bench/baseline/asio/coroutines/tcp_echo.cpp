// Asio over TCP with a C++20 coroutine per connection, on epoll. Errors come as values: ends are no exceptions here.
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"

#include "baseline/asio/vocabulary.hpp"

#include <memory>
#include <utility>

namespace berth::bench {
namespace {

using asio::ip::tcp;

asio::awaitable<void> echo(tcp_socket socket, std::size_t read_size) {
    const std::unique_ptr<char[]> buffer(new char[read_size]);
    asio::error_code ec;
    for (;;) {
        const std::size_t got = co_await socket.async_read_some(asio::buffer(buffer.get(), read_size),
                                                                asio::redirect_error(asio::use_awaitable, ec));
        if (ec) co_return;
        co_await asio::async_write(socket, asio::buffer(buffer.get(), got),
                                   asio::redirect_error(asio::use_awaitable, ec));
        if (ec) co_return;
    }
}

asio::awaitable<void> accept(tcp_acceptor& acceptor, std::size_t read_size) {
    asio::error_code ec;
    for (;;) {
        tcp_socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, ec));
        if (!ec) asio::co_spawn(acceptor.get_executor(), echo(std::move(socket), read_size), asio::detached);
    }
}

}  // namespace

void serve_tcp(const server_order& order) {
    server_loop loop;
    tcp_acceptor acceptor(loop, tcp::v4(), open_listener());
    asio::co_spawn(loop, accept(acceptor, read_size(order)), asio::detached);
    announce(order, acceptor.native_handle());
    loop.run();
}

}  // namespace berth::bench
