// port_reservation::async_connect and connect: the destination chooses the port, out of those that are free for it.
//
// A port with several session sockets (reservation_request::sessions_per_port) is connected to as many destinations
// at the same time, as TCP tells connections apart by both ends. berth keeps for each destination the set of ports
// that are free for it: a draw is a few atomic steps, without a lock and without a call of the system, whether a
// tenth or nine tenths of the block are connected there. What rests: a tuple that the system refuses (EADDRNOTAVAIL:
// it is in TIME_WAIT, or somebody connected a taken port there by himself) rests for a minute, as long as TIME_WAIT
// lasts, and another port is tried at once. A tuple that was given back does not rest: with TCP timestamps, which
// both ends have unless somebody switched them off, the system lets it connect again at once also out of TIME_WAIT,
// and without them its refusal costs a microsecond.
#pragma once

#include <berth/detail/outbound_draws.hpp>
#include <berth/port_reservation.hpp>

#include <asio/associated_allocator.hpp>
#include <asio/async_result.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/compose.hpp>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>

#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

namespace berth::detail {

/// One operation of async_connect: draws, connects, and tries the next port where the system had the tuple in use.
template <class Socket, class Executor>
struct connect_by_destination {
    // Where it is cannot change while the socket in it connects.
    struct place {
        std::shared_ptr<reservation_core> core;
        typename Socket::endpoint_type destination;
        std::uint32_t tries_left;
        bound<Socket> connecting;
    };

    Executor executor;
    std::shared_ptr<reservation_core> core;
    typename Socket::endpoint_type destination;
    std::shared_ptr<place> at{};
    enum : std::uint8_t { beginning, connecting, failed } stage = beginning;
    error_code why{};

    template <class Self>
    void operator()(Self& self, error_code ec = {}) {
        if (stage == failed) return complete(self, why);
        if (stage == connecting) {
            if (!ec || !outbound_draws::was_refused(at->connecting, at->destination, ec)) return complete(self, ec);
            error_code ignored;
            at->connecting.give_back(ignored);
            if (self.get_cancellation_state().cancelled() != asio::cancellation_type::none) {
                return complete(self, asio::error::operation_aborted);
            }
            if (at->tries_left-- == 0) return complete(self, ec);
            return draw(self);
        }
        self.reset_cancellation_state(asio::enable_total_cancellation());
        if ((why = outbound_draws::suit(core.get(), destination))) return fail(self);
        const std::uint32_t ports = outbound_draws::ports_of(*core);
        at = std::allocate_shared<place>(asio::get_associated_allocator(self), std::move(core), destination, ports,
                                         bound<Socket>(executor));
        draw(self);
    }

private:
    template <class Self>
    void draw(Self& self) {
        const bool is_first = stage == beginning;
        at->connecting = outbound_draws::draw_socket<Socket>(*at->core, executor, at->destination, why);
        if (why) return is_first ? fail(self) : complete(self, why);
        stage = connecting;
        place& mine = *at;  // goes with self
        (*mine.connecting).async_connect(mine.destination, std::move(self));
    }
    // Not from within the call that began it.
    template <class Self>
    void fail(Self& self) {
        stage = failed;
        const Executor there = executor;
        asio::post(there, std::move(self));
    }
    // What is given back is so before the handler hears of it, and what was allocated is free.
    template <class Self>
    void complete(Self& self, error_code ec) {
        bound<Socket> result = ec ? bound<Socket>(executor) : std::move(at->connecting);
        at.reset();
        self.complete(ec, std::move(result));
    }
};

}  // namespace berth::detail

namespace berth::inline v0_1 {

template <class Socket, class Executor, class Token>
auto port_reservation::async_connect(const Executor& executor, const typename Socket::endpoint_type& destination,
                                     Token&& token) {
    static_assert(use_of<Socket>() == socket_use::tcp_connect, "a TCP socket is what connects");
    return asio::async_compose<Token, void(error_code, bound<Socket>)>(
        detail::connect_by_destination<Socket, Executor>{executor, core_, destination}, token, executor);
}

template <class Socket, class Executor>
bound<Socket> port_reservation::connect(const Executor& executor, const typename Socket::endpoint_type& destination,
                                        error_code& ec) {
    static_assert(use_of<Socket>() == socket_use::tcp_connect, "a TCP socket is what connects");
    using detail::outbound_draws;
    const auto core = core_;  // its owner may move it meanwhile
    auto suited = destination;
    if ((ec = outbound_draws::suit(core.get(), suited))) return bound<Socket>(executor);
    for (auto tries_left = outbound_draws::ports_of(*core);; --tries_left) {
        auto connecting = outbound_draws::draw_socket<Socket>(*core, executor, suited, ec);
        if (ec) return connecting;
        (*connecting).connect(suited, ec);
        if (!ec) return connecting;
        if (!outbound_draws::was_refused(connecting, suited, ec) || tries_left == 0) return bound<Socket>(executor);
    }
}

template <class Socket, class Executor>
bound<Socket> port_reservation::connect(const Executor& executor, const typename Socket::endpoint_type& destination) {
    error_code ec;
    auto b = connect<Socket>(executor, destination, ec);
    if (ec) throw std::system_error(ec, "berth: connect");
    return b;
}

}  // namespace berth::v0_1
