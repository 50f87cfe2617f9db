// The writing side of a TCP connection that never waits: what is written is taken over, and sent in order.
//
// One send is under way at a time, and all that is written meanwhile goes together in the next: small writes are
// gathered without a delay. Bytes that were lent by a receive go back by themselves once they are sent. The queue has
// no limit of its own: who writes faster than the connection takes looks at pending(), or waits with async_flush.
#pragma once

#include <berth/detail/write_queue.hpp>
#include <berth/tcp_socket.hpp>

#include <cstddef>
#include <tuple>

namespace berth::inline v0_1 {

/// Belongs to one socket, which stays where it is. For the running thread alone. May be destroyed at any time: what
/// was written is still sent, unless the socket is closed.
template <class Executor = io_context::executor_type>
class basic_tcp_writer {
public:
    using executor_type = Executor;

    explicit basic_tcp_writer(basic_tcp_socket<Executor>& socket) : socket_(socket) {}

    [[nodiscard]] executor_type get_executor() const noexcept { return socket_.get_executor(); }

    /// Never waits. After an error, and on a socket that is not open, bytes are dropped: see error().
    void write(lent_buffer bytes) {
        if (socket_.is_open()) queue_.write(attachment(), std::move(bytes));
    }
    /// Copies. Throws std::bad_alloc.
    void write(asio::const_buffer bytes) {
        if (socket_.is_open()) queue_.copy(attachment(), bytes.data(), bytes.size());
    }

    /// Bytes that were written and that the system has not taken yet.
    [[nodiscard]] std::size_t pending() const noexcept { return queue_.pending(); }
    /// What ended it. Nothing is sent any more after an error; the socket is still the caller's to close.
    [[nodiscard]] error_code error() const noexcept {
        return {queue_.error(), asio::error::get_system_category()};
    }

    /// Completes when no more than `below` bytes are pending, or with the error that ended the writer.
    /// Completion signature void(error_code).
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_flush(std::size_t below, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return asio::async_initiate<Token, void(error_code)>(initiate_flush{this}, token, below);
    }

private:
    struct flush_work {
        using form = detail::flush_waiter;
        detail::write_queue& queue;
        explicit flush_work(detail::write_queue& q) : queue(q) {}
        static std::tuple<error_code> arguments(detail::operation&, int result) noexcept {
            return {result < 0 ? detail::error_of(result) : error_code()};
        }
        void cancel(detail::operation& op) const noexcept { queue.leave(op); }
    };
    struct initiate_flush {
        using executor_type = Executor;
        basic_tcp_writer* self;
        [[nodiscard]] executor_type get_executor() const noexcept { return self->get_executor(); }
        template <class Handler>
        void operator()(Handler&& handler, std::size_t below) const {
            auto& loop = detail::io_access::loop_of(self->socket_);
            auto* const op = detail::make_operation<flush_work>(loop, self->get_executor(),
                                                                static_cast<Handler&&>(handler), self->queue_);
            op->listen_to_slot();
            op->below = below;
            self->queue_.wait_until_below(loop, *op);
        }
    };

    detail::attachment& attachment() const noexcept { return *detail::io_access::attachment_of(socket_); }

    basic_tcp_socket<Executor>& socket_;
    detail::write_queue queue_;
};

using tcp_writer = basic_tcp_writer<>;

}  // namespace berth::v0_1
