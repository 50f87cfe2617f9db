// A server that loses no request when it is told to end: SIGTERM lets those under way be answered, for ten seconds.
//
// Each request is a line, and takes half a second to answer. A second signal does not wait any more.
#include <berth/server.hpp>
#include <berth/signal_set.hpp>
#include <berth/steady_timer.hpp>

#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <iostream>

using asio::use_awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;

asio::awaitable<void> work(berth::connection client) {
    for (char request[256];;) {
        // Between two requests the stop ends it; one that has arrived is still read.
        const auto [ec, size] = co_await client.async_read_unless_stopping(
            asio::buffer(request), asio::experimental::as_tuple(use_awaitable));
        if (ec) co_return;
        berth::steady_timer thinking(client.get_executor(), 500ms);
        co_await thinking.async_wait(use_awaitable);
        client.write(asio::buffer("done: ", 6));
        client.write(asio::buffer(request, size));
        if (client.stopping()) client.write(asio::buffer("good bye\n", 9));
    }
}

int main() {
    try {
        berth::shards shards({.count = 2});
        berth::server server(shards);
        const auto at = server.listen(tcp::endpoint(tcp::v4(), 0));
        server.start(work);
        std::cout << "listening on port " << at.port() << std::endl;

        berth::signal_set signals(shards[0], SIGINT, SIGTERM);
        signals.async_wait([&](auto ec, auto) {
            if (ec) return;
            std::cout << "stopping, " << server.statistics().active << " connections" << std::endl;
            signals.async_wait([&](auto again, auto) {
                if (!again) server.stop();
            });
            server.async_stop(10s, [&](berth::error_code how) {
                const auto books = server.statistics();
                std::cout << (how ? "some were cut: " : "all ended: ") << books.ended << " connections, " << books.cut
                          << " cut" << std::endl;
                shards.stop();
            });
        });
        shards.run();
    } catch (const std::exception& failed) {
        std::cerr << failed.what() << '\n';
        return 1;
    }
}
