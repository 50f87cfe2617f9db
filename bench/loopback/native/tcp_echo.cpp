// berth over TCP with its own calls: receives that lend, and a writer that sends from where the bytes lie.
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"
#include "loopback/native/loop.hpp"

#include <berth/tcp_acceptor.hpp>
#include <berth/tcp_writer.hpp>

#include <utility>

namespace berth::bench {
namespace {

/// Deletes itself with the last result of its receive.
class session {
public:
    explicit session(tcp_socket socket) : socket_(std::move(socket)), writer_(socket_) {}

    void run() {
        socket_.async_receive_each([this](error_code ec, lent_buffer bytes) {
            if (ec) return delete this;
            writer_.write(std::move(bytes));
        });
    }

private:
    tcp_socket socket_;
    tcp_writer writer_;
};

void accept(tcp_acceptor& acceptor) {
    acceptor.async_accept_each([&acceptor](error_code ec, tcp_socket socket) {
        if (ec) return accept(acceptor);
        (new session(std::move(socket)))->run();
    });
}

}  // namespace

void serve_tcp(const server_order& order) {
    io_context loop(loop_options(order));
    tcp_acceptor acceptor(loop, asio::ip::tcp::v4(), open_listener());
    accept(acceptor);
    announce(order, acceptor.native_handle());
    loop.run();
}

}  // namespace berth::bench
