// A TCP echo server: one coroutine a connection, until SIGINT or SIGTERM.
//   tcp_echo [port]      without a port, one that the kernel picks; it is printed
#include <berth/signal_set.hpp>
#include <berth/tcp_acceptor.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string_view>

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
        const std::string_view wanted = argc > 1 ? argv[1] : "0";
        std::uint16_t port = 0;
        const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), port);
        if (error != std::errc() || end != wanted.data() + wanted.size()) {
            std::cerr << "not a port: " << wanted << "; a number from 0 to 65535 is\n";
            return 2;
        }
        berth::io_context loop;
        berth::tcp_acceptor acceptor(loop, tcp::endpoint(tcp::v4(), port));
        std::cout << "listening on port " << acceptor.local_endpoint().port() << ", backend " << loop.backend()
                  << " (" << loop.backend_reason() << ")" << std::endl;
        berth::signal_set signals(loop, SIGINT, SIGTERM);
        signals.async_wait([&](auto, auto) { loop.stop(); });
        asio::co_spawn(loop, listen(std::move(acceptor)), [](std::exception_ptr failed) {
            if (failed) std::rethrow_exception(failed);  // the program ends by it, and does not go deaf in silence
        });
        loop.run();
    } catch (const std::exception& failed) {
        std::cerr << failed.what() << '\n';
        return 1;
    }
}
