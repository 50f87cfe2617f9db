// A TCP echo server: one coroutine a connection, until SIGINT or SIGTERM.
//   tcp_echo [port]      without a port, one that the kernel picks; it is printed
#include <berth/signal_set.hpp>
#include <berth/tcp_acceptor.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

awaitable<void> echo(berth::tcp_socket socket) {
    try {
        for (char data[4096];;) {
            const std::size_t size = co_await socket.async_read_some(asio::buffer(data), use_awaitable);
            co_await asio::async_write(socket, asio::buffer(data, size), use_awaitable);
        }
    } catch (const std::system_error& end) {
        if (end.code() != asio::error::eof) std::cerr << "a connection ended: " << end.what() << '\n';
    }
}

awaitable<void> listen(berth::tcp_acceptor acceptor) {
    for (;;) {
        auto socket = co_await acceptor.async_accept(use_awaitable);
        asio::co_spawn(acceptor.get_executor(), echo(std::move(socket)), asio::detached);
    }
}

int main(int argc, char** argv) {
    try {
        const auto port = static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 0);
        berth::io_context loop;
        berth::tcp_acceptor acceptor(loop, tcp::endpoint(tcp::v4(), port));
        std::cout << "listening on port " << acceptor.local_endpoint().port() << ", backend " << loop.backend()
                  << std::endl;
        berth::signal_set signals(loop, SIGINT, SIGTERM);
        signals.async_wait([&](auto, auto) { loop.stop(); });
        asio::co_spawn(loop, listen(std::move(acceptor)), asio::detached);
        loop.run();
    } catch (const std::exception& failed) {
        std::cerr << failed.what() << '\n';
        return 1;
    }
}
