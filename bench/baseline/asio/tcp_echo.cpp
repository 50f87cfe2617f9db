// Asio over TCP with callbacks. The same source is built twice: on epoll, and on Asio's own io_uring backend.
//
// A session is owned by whichever handler is pending, so nothing counts references. The context is told that one
// thread runs it; taking its locks away altogether (ASIO_CONCURRENCY_HINT_UNSAFE) made no difference.
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"

#include "baseline/asio/vocabulary.hpp"

#include <memory>
#include <utility>

namespace berth::bench {
namespace {

using asio::ip::tcp;

class session {
public:
    session(tcp_socket socket, std::size_t read_size)
        : socket_(std::move(socket)), size_(read_size), buffer_(new char[read_size]) {}

    static void read(std::unique_ptr<session> self) {
        session& s = *self;
        s.socket_.async_read_some(asio::buffer(s.buffer_.get(), s.size_),
                                  [self = std::move(self)](asio::error_code ec, std::size_t got) mutable {
                                      if (!ec) write(std::move(self), got);
                                  });
    }

private:
    static void write(std::unique_ptr<session> self, std::size_t size) {
        session& s = *self;
        asio::async_write(s.socket_, asio::buffer(s.buffer_.get(), size),
                          [self = std::move(self)](asio::error_code ec, std::size_t) mutable {
                              if (!ec) read(std::move(self));
                          });
    }

    tcp_socket socket_;
    std::size_t size_;
    std::unique_ptr<char[]> buffer_;
};

void accept(tcp_acceptor& acceptor, std::size_t read_size) {
    acceptor.async_accept([&acceptor, read_size](asio::error_code ec, tcp_socket socket) {
        if (!ec) session::read(std::make_unique<session>(std::move(socket), read_size));
        accept(acceptor, read_size);
    });
}

}  // namespace

void serve_tcp(const server_order& order) {
    server_loop loop;
    tcp_acceptor acceptor(loop, tcp::v4(), open_listener());
    accept(acceptor, read_size(order));
    announce(order, acceptor.native_handle());
    loop.run();
}

}  // namespace berth::bench
