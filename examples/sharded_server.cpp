// A line server on every processor: one port, one thread and one event loop each, nothing shared.
//   sharded_server [port]      without a port, one that the kernel picks; it is printed
// Each line comes back with the number of the shard that served it, until SIGINT or SIGTERM.
#include <berth/server.hpp>
#include <berth/signal_set.hpp>

#include <asio/read_until.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>

using asio::use_awaitable;
using asio::ip::tcp;

asio::awaitable<void> answer_lines(berth::connection client) {
    for (std::string text;;) {  // ends by the exception that says that the client has
        const std::size_t size =
            co_await asio::async_read_until(client, asio::dynamic_buffer(text, 4096), '\n', use_awaitable);
        const std::string answer = "shard " + std::to_string(client.shard()) + ": " + text.substr(0, size);
        co_await asio::async_write(client, asio::buffer(answer), use_awaitable);
        text.erase(0, size);
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
        berth::shards shards({.pin = true});
        berth::server server(shards);
        const auto at = server.listen(tcp::endpoint(tcp::v4(), port));
        server.start(answer_lines);
        std::cout << "listening on port " << at.port() << ", shards " << shards.size() << ", backend "
                  << shards[0].backend() << ", memory: " << berth::io_context::memory_reason() << std::endl;

        berth::signal_set signals(shards[0], SIGINT, SIGTERM);
        signals.async_wait([&](auto, auto) { shards.stop(); });
        shards.run();
        for (std::size_t i = 0; i < shards.size(); ++i) {
            std::cout << "shard " << i << " served " << server.statistics(i).accepted << std::endl;
        }
    } catch (const std::exception& failed) {
        std::cerr << failed.what() << '\n';
        return 1;
    }
}
