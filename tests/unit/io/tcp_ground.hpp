// What the tests of TCP share: connected pairs, and coroutines run to their end.
#pragma once

#include <berth/steady_timer.hpp>
#include <berth/tcp_acceptor.hpp>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/awaitable_operators.hpp>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "unit/io/by_backend.hpp"

namespace io_test {

using asio::use_awaitable;
using asio::ip::tcp;
using berth::tcp_acceptor;
using berth::tcp_socket;

inline const tcp::endpoint anywhere(asio::ip::address_v4::loopback(), 0);

inline error_code outcome(std::future<std::size_t>& future) {
    try {
        future.get();
        return {};
    } catch (const std::system_error& e) {
        return e.code();
    }
}

class tcp_by_backend : public by_backend {
protected:
    /// Two ends of one connection.
    std::pair<tcp_socket, tcp_socket> connected() {
        tcp_acceptor acceptor(context(), anywhere);
        tcp_socket local_end(context()), remote_end(context());
        local_end.connect(acceptor.local_endpoint());
        acceptor.accept(remote_end);
        return {std::move(local_end), std::move(remote_end)};
    }
    template <class Coroutine>
    void run_coroutine(Coroutine coroutine) {
        asio::co_spawn(context(), std::move(coroutine), [](std::exception_ptr e) {
            if (e) std::rethrow_exception(e);
        });
        run();
    }
};

}  // namespace io_test
