// What the system does that its documents say otherwise, found out by trying it; see sockets.hpp.
#include "support/sockets.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

namespace berth::test {

bool resets_are_kept() {
    using asio::ip::tcp;
    asio::io_context context;
    tcp::acceptor door(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto client = open_tcp();
    connect_socket(client, door.local_endpoint());
    tcp::socket served = door.accept();  // Asio lets go of no socket on every Windows
    served.set_option(asio::socket_base::linger(true, 0));
    served.close();
    char byte = 0;
    const bool is_kept = wait_readable(client, std::chrono::seconds(5)) && receive_some(client, &byte, 1) == -1 &&
                         last_trouble() == trouble::reset;
    close_socket(client);
    return is_kept;
}

}  // namespace berth::test
