// A server that is replaced while it serves, as a deploy does it: start it twice, and the second takes over from the
// first. No client is refused; those of the first stay with it until they go.
//
//   hand_over NAME [ADDRESS]      NAME is in each answer, ADDRESS is where the two meet
#include <berth/handover.hpp>
#include <berth/server.hpp>
#include <berth/signal_set.hpp>

#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <iostream>

using asio::use_awaitable;
using namespace std::chrono_literals;

int main(int count, char** words) {
    try {
        const std::string name = count > 1 ? words[1] : "first";
        const std::string address = count > 2 ? words[2] : "@berth-example-hand-over";
        berth::io_context context;
        berth::server server(context);
        berth::failure f;
        berth::error_code ec;
        berth::port_reservation ports;
        berth::bound_port lobby;

        auto over = berth::receive_handover(address, f);
        if (over) {
            ports = over.take_reservation("game", ec);
            lobby = over.take("lobby", ec);
            if (ec) throw std::system_error(ec, "what came has another form");
        } else if (f.code == berth::errc::service_unavailable) {  // we are the first
            ports = berth::port_reservation::reserve({.block = {0, 8}, .protocol = berth::transport::tcp});
            lobby = ports.take();
        } else {
            throw berth::reservation_error(f);
        }
        const auto port = lobby.port();
        server.listen(std::move(lobby));
        server.start([&](berth::connection client) -> asio::awaitable<void> {
            for (char line[256];;) {
                const auto [end, size] =
                    co_await client.async_read_some(asio::buffer(line), asio::experimental::as_tuple(use_awaitable));
                if (end) co_return;  // whether we were replaced meanwhile or not: the client decides
                client.write(asio::buffer(name + ": " + std::string(line, size)));
            }
        });
        if (over) over.complete();  // we serve: the first one may go

        auto offer = over ? over.offer(f) : berth::handover_offer(address, f);
        if (!f) offer.add(ports, "game", f);
        if (!f) offer.serve(ports, berth::transport::tcp, port, "lobby", f);
        if (f) throw berth::reservation_error(f);
        berth::signal_set signals(context, SIGINT, SIGTERM);
        offer.async_hand_over(context, [&](berth::error_code failed) {
            if (failed) return;
            std::cout << name << " is replaced" << std::endl;
            signals.cancel();
            server.async_leave(10s, [&](berth::error_code) {
                std::cout << name << " served " << server.statistics().accepted << " connections" << std::endl;
            });
        });
        signals.async_wait([&](auto cancelled, auto) {
            if (!cancelled) context.stop();
        });
        std::cout << name << " listens on port " << port << std::endl;
        over = {};
        context.run();
    } catch (const std::exception& failed) {
        std::cerr << failed.what() << '\n';
        return 1;
    }
}
