// Sixteen UDP ports, reserved at once; a worker takes one, serves, gives it back. The program of README.md.
#include <berth/berth.hpp>

#include <asio.hpp>
#include <iostream>
int main() {
    asio::io_context loop;
    berth::reservation_request request;
    request.block = {.first = 0, .count = 16};  // first 0: any sixteen ports in a row
    request.cool_down = std::chrono::seconds(2);
    auto ports = berth::port_reservation::reserve(request);
    std::cout << "reserved " << ports.block().count << " ports in a row\n";

    auto match = ports.take<asio::ip::udp::socket>(loop.get_executor());  // bound, open, empty: no bind, no search
    asio::ip::udp::socket player(loop, asio::ip::udp::v4());
    player.send_to(asio::buffer("hello", 5), {asio::ip::address_v4::loopback(), match.port()});
    char text[16];
    const auto size = match->receive(asio::buffer(text));
    std::cout << "the match's socket heard: " << std::string_view(text, size) << '\n';

    berth::error_code ec;
    match.give_back(ec);  // silenced, emptied, and resting: late packets of this match reach nobody
    const auto books = ports.statistics().ports;
    std::cout << books.available << " available, " << books.cooling << " cooling\n";
}
