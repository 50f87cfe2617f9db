// async_receive_each for coroutines: what was received is asked for, piece by piece.
//
//     berth::tcp_receiver incoming(socket);
//     for (;;) handle(co_await incoming.async_next(asio::use_awaitable));
//
// The receive goes on between two questions, so that the next piece may be there already. At most `most_waiting` pieces
// wait: then it pauses until they were asked for, and the remote is slowed down or, of datagrams, the system drops.
#pragma once

#include <berth/detail/receiver_state.hpp>
#include <berth/tcp_socket.hpp>
#include <berth/udp_socket.hpp>

#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>

namespace berth::inline v0_1 {

/// Belongs to one socket, which stays where it is. For the running thread alone. Nothing else may receive on the
/// socket meanwhile. Its destruction ends the receive; pieces that nobody asked for are dropped.
template <class Socket>
class basic_receiver {
    using state_type = detail::receiver_state<Socket>;

public:
    using executor_type = typename Socket::executor_type;
    using value_type = typename Socket::lent_type;  ///< lent_buffer, or datagram

    explicit basic_receiver(Socket& socket, std::size_t most_waiting = 4)
        : state_(std::allocate_shared<state_type>(detail::loop_allocator<state_type>(detail::io_access::loop_of(socket)),
                                                  socket, most_waiting)) {}
    basic_receiver(basic_receiver&&) noexcept = default;
    basic_receiver& operator=(basic_receiver&&) = delete;
    ~basic_receiver() {
        if (state_) state_->leave();
    }

    [[nodiscard]] executor_type get_executor() const noexcept { return state_->socket().get_executor(); }

    /// The next piece, or why there is none: asio::error::eof at the end of a stream. One at a time: a second one ends
    /// with asio::error::already_started. Cancelling it loses nothing. Completion signature
    /// void(error_code, value_type).
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_next(Token&& token = asio::default_completion_token_t<executor_type>()) {
        return asio::async_initiate<Token, void(error_code, value_type)>(initiate_next{state_}, token);
    }

private:
    struct next_work {
        using form = detail::operation;
        std::shared_ptr<state_type> state;
        explicit next_work(std::shared_ptr<state_type> s) : state(std::move(s)) {}
        std::tuple<error_code, value_type> arguments(detail::operation&, int result) {
            if (result < 0) return {detail::error_of(result), value_type()};
            return state->pop();
        }
        void cancel(detail::operation& op) const noexcept { state->stop_waiting(op); }
    };
    struct initiate_next {
        using executor_type = typename Socket::executor_type;
        std::shared_ptr<state_type> state;
        [[nodiscard]] executor_type get_executor() const noexcept { return state->socket().get_executor(); }
        template <class Handler>
        void operator()(Handler&& handler) const {
            auto* const op = detail::make_operation<next_work>(state->loop(), get_executor(),
                                                               static_cast<Handler&&>(handler), state);
            op->listen_to_slot();
            state->wait(*op);
        }
    };

    std::shared_ptr<state_type> state_;
};

using tcp_receiver = basic_receiver<tcp_socket>;
using udp_receiver = basic_receiver<udp_socket>;

}  // namespace berth::v0_1
