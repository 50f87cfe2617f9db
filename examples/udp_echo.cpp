// A UDP echo server on a port out of a reservation, until SIGINT or SIGTERM.
#include <berth/port_reservation.hpp>
#include <berth/signal_set.hpp>
#include <berth/udp_socket.hpp>

#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>

#include <csignal>
#include <exception>
#include <iostream>

using asio::use_awaitable;
using asio::ip::udp;

asio::awaitable<void> echo(berth::udp_socket& socket) {
    udp::endpoint source;
    for (char data[2048];;) {
        const std::size_t size = co_await socket.async_receive_from(asio::buffer(data), source, use_awaitable);
        co_await socket.async_send_to(asio::buffer(data, size), source, use_awaitable);
    }
}

int main() {
    try {
        berth::io_context loop;
        berth::reservation_request request;
        request.block = {.first = 0, .count = 8};
        request.family = berth::address_family::ipv4;
        auto ports = berth::port_reservation::reserve(request);
        auto socket = ports.take<berth::udp_socket>(loop.get_executor());
        std::cout << "listening on port " << socket.port() << ", backend " << loop.backend() << " ("
                  << loop.backend_reason() << ")" << std::endl;
        berth::signal_set signals(loop, SIGINT, SIGTERM);
        signals.async_wait([&](auto, auto) { loop.stop(); });
        asio::co_spawn(loop, echo(*socket), [](std::exception_ptr failed) {
            if (failed) std::rethrow_exception(failed);  // the program ends by it, and does not go deaf in silence
        });
        loop.run();
    } catch (const std::exception& failed) {
        std::cerr << failed.what() << '\n';
        return 1;
    }
}
