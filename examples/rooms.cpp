// A UDP endpoint for each room of a game server, out of a pool of ports reserved beforehand.
// Plays twelve rooms with a player each, and ends; SIGINT or SIGTERM end it earlier.
#include <berth/listener_pool.hpp>
#include <berth/signal_set.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/use_awaitable.hpp>

#include <csignal>
#include <iostream>
#include <string_view>

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::udp;

// The room lives as long as its endpoint; at the end of both the port goes back, and rests.
awaitable<void> room(berth::listener_pool::endpoint endpoint) {
    udp::endpoint player;
    for (char data[512];;) {
        const std::size_t size = co_await endpoint->async_receive_from(asio::buffer(data), player, use_awaitable);
        if (std::string_view(data, size) == "bye") co_return;
        co_await endpoint->async_send_to(asio::buffer(data, size), player, use_awaitable);
    }
}

awaitable<void> player(berth::io_context& loop, std::uint16_t port) {
    const udp::endpoint room(asio::ip::address_v4::loopback(), port);
    berth::udp_socket socket(loop, udp::v4());
    char data[512];
    co_await socket.async_send_to(asio::buffer("hello", 5), room, use_awaitable);
    const std::size_t size = co_await socket.async_receive(asio::buffer(data), use_awaitable);
    std::cout << "port " << port << " answered " << std::string_view(data, size) << '\n';
    co_await socket.async_send_to(asio::buffer("bye", 3), room, use_awaitable);
}

awaitable<void> lobby(berth::io_context& loop, berth::listener_pool& pool, berth::signal_set& signals) {
    co_await pool.async_start(use_awaitable);
    for (int i = 0; i < 12; ++i) {
        auto endpoint = pool.open(0);
        asio::co_spawn(loop, player(loop, endpoint.port()), asio::detached);
        asio::co_spawn(loop, room(std::move(endpoint)), asio::detached);
    }
    co_await pool.async_stop(use_awaitable);  // when the last room has ended
    std::cout << "all rooms have ended" << std::endl;
    signals.cancel();
}

int main() {
    try {
        berth::io_context loop;
        berth::reservation_request request;
        request.block = {.first = 0, .count = 16};
        request.family = berth::address_family::ipv4;
        request.cool_down = std::chrono::seconds(5);
        berth::listener_pool pool(request, {&loop}, {.grow_by = 16, .most = 1024, .low_water = 4});
        berth::signal_set signals(loop, SIGINT, SIGTERM);
        signals.async_wait([&](berth::error_code ec, int) {
            if (!ec) loop.stop();
        });
        asio::co_spawn(loop, lobby(loop, pool, signals), [](std::exception_ptr e) {
            if (e) std::rethrow_exception(e);
        });
        loop.run();
    } catch (const std::exception& failed) {
        std::cerr << failed.what() << '\n';
        return 1;
    }
}
