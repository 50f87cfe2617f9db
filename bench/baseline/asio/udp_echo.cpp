// Asio over UDP with callbacks: receive, send back, receive again. Built twice, like tcp_echo.cpp.
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"

#include "baseline/asio/vocabulary.hpp"

#include <vector>

namespace berth::bench {
namespace {

using asio::ip::udp;

class echo_server {
public:
    echo_server(udp_socket& socket, std::size_t room) : socket_(socket), buffer_(room) {}

    void receive() {
        socket_.async_receive_from(asio::buffer(buffer_), sender_, [this](asio::error_code ec, std::size_t size) {
            if (ec) return receive();
            socket_.async_send_to(asio::buffer(buffer_.data(), size), sender_,
                                  [this](asio::error_code, std::size_t) { receive(); });
        });
    }

private:
    udp_socket& socket_;
    std::vector<char> buffer_;
    udp::endpoint sender_;
};

}  // namespace

void serve_udp(const server_order& order) {
    server_loop loop;
    udp_socket socket(loop, udp::v4(), open_udp_socket());
    echo_server server(socket, read_size(order));
    server.receive();
    announce(order, socket.native_handle());
    loop.run();
}

}  // namespace berth::bench
