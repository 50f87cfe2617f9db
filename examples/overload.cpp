// A server that stays itself under more clients than it admits, and under clients that are slow on purpose.
//
// Eight connections at a time, the others wait their turn in the system's queue; four of one address. Who says nothing
// for a second, or does not read what it asked for, has to go. Each line that comes asks for a million bytes.
#include <berth/server.hpp>
#include <berth/signal_set.hpp>

#include <asio/buffer.hpp>

#include <chrono>
#include <csignal>
#include <iostream>
#include <string>

using asio::ip::tcp;
using namespace std::chrono_literals;

int main() {
    try {
        berth::server_options options;
        options.max_connections = 8;
        options.when_full = berth::beyond_limit::wait;
        options.max_connections_per_address = 4;
        options.first_byte = 1s;
        options.idle = 2s;
        options.write = 1s;
        options.total = 30s;
        options.high_watermark = 256 * 1024;  // reading pauses above it, so that nobody piles up answers
        options.low_watermark = 64 * 1024;

        berth::shards shards({.count = 2});
        berth::server server(shards, options);
        const auto at = server.listen(tcp::endpoint(tcp::v4(), 0));

        static const std::string answer = std::string(999'999, '.') + '\n';
        berth::connection_callbacks calls;
        calls.received = [](berth::connection& client, asio::const_buffer bytes) {
            for (const char c : std::string_view(static_cast<const char*>(bytes.data()), bytes.size())) {
                if (c == '\n') client.write(asio::buffer(answer));
            }
        };
        server.start(calls);
        std::cout << "listening on port " << at.port() << std::endl;

        berth::signal_set signals(shards[0], SIGINT, SIGTERM);
        signals.async_wait([&](auto, auto) { server.async_stop(1s, [&](auto) { shards.stop(); }); });
        shards.run();

        const auto books = server.statistics();
        std::cout << "accepted " << books.accepted << "\nrefused for their address " << books.refused_by_address
                  << "\nsaid nothing " << books.first_byte_timeouts << "\nfell silent " << books.idle_timeouts
                  << "\ndid not read " << books.write_timeouts << "\npauses for want of descriptors "
                  << books.accept_backoffs << "\nbytes out " << books.bytes_out << std::endl;
    } catch (const std::exception& failed) {
        std::cerr << failed.what() << '\n';
        return 1;
    }
}
