// A TCP listener on a berth::io_context: asio::ip::tcp::acceptor's interface, with one difference that is the point.
//
// Asio's acceptor sets SO_REUSEADDR before it binds, which lets others bind its port until it listens. This one does
// not: a port that must survive TIME_WAIT comes out of a reservation (take<tcp_acceptor>), already listening.
#pragma once

#include <berth/tcp_socket.hpp>

#include <optional>
#include <tuple>

namespace berth::detail {

/// Ends the connection of a client that cannot be taken in, by a reset: it must not think that it was answered.
inline void turn_away(native_value client) noexcept {
    error_code ignored;
    const asio::socket_base::linger at_once(true, 0);
    const auto v4 = asio::ip::tcp::v4();
    set_option_native(client, at_once.level(v4), at_once.name(v4), at_once.data(v4), at_once.size(v4), said(ignored));
    close_native(client, said(ignored));
}

/// A connection for a socket that is there already.
template <class Socket>
struct accept_into_work {
    using form = message_operation;
    Socket& into;
    asio::ip::tcp::endpoint* remote;
    asio::ip::tcp::endpoint source;
    asio::ip::tcp protocol;
    accept_into_work(Socket& s, asio::ip::tcp::endpoint* r, asio::ip::tcp p) : into(s), remote(r), protocol(p) {}
    std::tuple<error_code> arguments(message_operation& op, int result) {
        if (result < 0) return {error_of(result)};
        error_code ec;
        into.assign(protocol, result, ec);
        if (ec) turn_away(result);
        if (remote != nullptr && !ec) source.resize(op.address_size), *remote = source;
        return {ec};
    }
};

/// A connection with a socket of its own.
template <class Socket>
struct accept_work {
    using form = message_operation;
    typename Socket::executor_type executor;
    asio::ip::tcp::endpoint* remote;
    asio::ip::tcp::endpoint source;
    asio::ip::tcp protocol;
    accept_work(const typename Socket::executor_type& e, asio::ip::tcp::endpoint* r, asio::ip::tcp p)
        : executor(e), remote(r), protocol(p) {}
    std::tuple<error_code, Socket> arguments(message_operation& op, int result) {
        Socket accepted(executor);
        if (result < 0) return {error_of(result), std::move(accepted)};
        error_code ec;
        io_access::adopt(accepted, protocol, result, ec);
        if (ec) turn_away(result);
        if (remote != nullptr && !ec) source.resize(op.address_size), *remote = source;
        return {ec, std::move(accepted)};
    }
};

/// Connections, one after the other. A client that came and cannot be taken in ends it with the reason, as a lack of
/// descriptors does: the handler says when to go on.
template <class Socket>
struct accepting_work {
    using form = operation;
    typename Socket::executor_type executor;
    asio::ip::tcp protocol;
    error_code refused;
    accepting_work(const typename Socket::executor_type& e, asio::ip::tcp p) : executor(e), protocol(p) {}
    template <class Handler>
    void call(Handler& handler, operation& op, const completion& c, event_loop& loop) {
        const int result = c.result;
        Socket accepted(executor);
        error_code ec;
        io_access::adopt(accepted, protocol, result, ec);
        if (!ec) return handler(ec, std::move(accepted));
        turn_away(result);
        if (!refused) loop.cancel(op);  // others may be on their way
        refused = ec;
    }
    void was_closed() noexcept { refused = {}; }
    template <class Handler>
    void end(Handler& handler, const error_code& ec) const {
        handler(refused ? refused : ec, Socket(executor));
    }
};

inline void ask_for_connection(message_operation& op, asio::ip::tcp::endpoint& source) {
    op.what = verb::accept;
    op.address = source.data();
    op.address_size = static_cast<std::uint32_t>(source.capacity());
}

}  // namespace berth::detail

namespace berth::inline v0_1 {

template <class Executor = io_context::executor_type>
class basic_tcp_acceptor : public detail::basic_io_socket<asio::ip::tcp, Executor> {
    using base = detail::basic_io_socket<asio::ip::tcp, Executor>;

public:
    using typename base::endpoint_type;
    using typename base::executor_type;
    using typename base::native_handle_type;
    using typename base::protocol_type;
    using socket_type = basic_tcp_socket<Executor>;
    template <class Other>
    struct rebind_executor {
        using other = basic_tcp_acceptor<Other>;
    };

    explicit basic_tcp_acceptor(const Executor& executor) : base(executor) {}
    explicit basic_tcp_acceptor(io_context& context) : base(Executor(context.get_executor())) {}
    template <class Where>
    basic_tcp_acceptor(Where&& where, const protocol_type& protocol)
        : basic_tcp_acceptor(static_cast<Where&&>(where)) {
        this->open(protocol);
    }
    /// Opens, binds and listens.
    template <class Where>
    basic_tcp_acceptor(Where&& where, const endpoint_type& endpoint)
        : basic_tcp_acceptor(static_cast<Where&&>(where)) {
        this->open(endpoint.protocol());
        this->bind(endpoint);
        listen();
    }
    template <class Where>
    basic_tcp_acceptor(Where&& where, const protocol_type& protocol, native_handle_type socket)
        : basic_tcp_acceptor(static_cast<Where&&>(where)) {
        this->assign(protocol, socket);
    }
    basic_tcp_acceptor(basic_tcp_acceptor&&) noexcept = default;
    basic_tcp_acceptor& operator=(basic_tcp_acceptor&&) noexcept = default;

    void listen(int backlog, error_code& ec) {
        this->lend();
        detail::listen_native(this->native(), backlog, detail::said(ec));
    }
    void listen(int backlog = asio::socket_base::max_listen_connections) {
        error_code ec;
        listen(backlog, ec);
        detail::throw_if(ec, "listen");
    }

    template <class Other>
    void accept(basic_tcp_socket<Other>& into, error_code& ec) {
        endpoint_type ignored;
        accept(into, ignored, ec);
    }
    template <class Other>
    void accept(basic_tcp_socket<Other>& into, endpoint_type& remote, error_code& ec) {
        std::size_t size = remote.capacity();
        const auto accepted =
            detail::accept_native(this->native(), remote.data(), &size, this->non_blocking(), detail::said(ec));
        if (ec) return;
        remote.resize(size);
        into.assign(remote.protocol(), static_cast<native_handle_type>(accepted), ec);
        if (error_code ignored; ec) detail::close_native(accepted, detail::said(ignored));
    }
    template <class Other>
    void accept(basic_tcp_socket<Other>& into) {
        error_code ec;
        accept(into, ec);
        detail::throw_if(ec, "accept");
    }
    socket_type accept(error_code& ec) {
        socket_type accepted(this->get_executor());
        accept(accepted, ec);
        return accepted;
    }
    socket_type accept() {
        error_code ec;
        auto accepted = accept(ec);
        detail::throw_if(ec, "accept");
        return accepted;
    }

    /// Completion signature void(error_code). `into` must not be open.
    template <class Other, class Token = asio::default_completion_token_t<executor_type>>
    auto async_accept(basic_tcp_socket<Other>& into,
                      Token&& token = asio::default_completion_token_t<executor_type>()) {
        return accept_into(into, nullptr, static_cast<Token&&>(token));
    }
    template <class Other, class Token = asio::default_completion_token_t<executor_type>>
    auto async_accept(basic_tcp_socket<Other>& into, endpoint_type& remote,
                      Token&& token = asio::default_completion_token_t<executor_type>()) {
        return accept_into(into, &remote, static_cast<Token&&>(token));
    }
    /// Completion signature void(error_code, socket).
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_accept(Token&& token = asio::default_completion_token_t<executor_type>()) {
        return accept_new<socket_type>(this->get_executor(), nullptr, static_cast<Token&&>(token));
    }
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_accept(endpoint_type& remote, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return accept_new<socket_type>(this->get_executor(), &remote, static_cast<Token&&>(token));
    }
    template <class Other, class Token = asio::default_completion_token_t<executor_type>>
    requires(asio::execution::is_executor_v<Other>) auto async_accept(
        const Other& executor, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return accept_new<basic_tcp_socket<Other>>(executor, nullptr, static_cast<Token&&>(token));
    }
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_accept(io_context& context, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return accept_new<basic_tcp_socket<>>(context.get_executor(), nullptr, static_cast<Token&&>(token));
    }

    /// Accepts until an error, cancel or close: handler(error_code, socket) is called for each connection, on the
    /// running thread, and once with an error, which is the last call. One submission for all of them where the
    /// system allows (io_uring). A lack of descriptors is an error: accept again once there are some, after a pause.
    /// So is a client that came and could not be taken in (no_memory; on epoll the system's limit of watched sockets):
    /// its connection is reset.
    template <class Handler>
    void async_accept_each(Handler&& handler) {
        this->template begin_ongoing<detail::accepting_work<socket_type>>(
            static_cast<Handler&&>(handler), [](detail::operation& op, auto&) { op.what = detail::verb::accept; },
            this->get_executor(), protocol());
    }

private:
    [[nodiscard]] protocol_type protocol() const {
        error_code ignored;
        return this->name(false, ignored).protocol();
    }
    template <class Socket, class Token>
    auto accept_into(Socket& into, endpoint_type* remote, Token&& token) {
        return this->template initiate<detail::accept_into_work<Socket>, void(error_code)>(
            static_cast<Token&&>(token), [](detail::message_operation& op, auto& work) { detail::ask_for_connection(op, work.source); },
            std::ref(into), remote, protocol());
    }
    template <class Socket, class Token>
    auto accept_new(const typename Socket::executor_type& executor, endpoint_type* remote, Token&& token) {
        return this->template initiate<detail::accept_work<Socket>, void(error_code, Socket)>(
            static_cast<Token&&>(token), [](detail::message_operation& op, auto& work) { detail::ask_for_connection(op, work.source); }, executor,
            remote, protocol());
    }
};

using tcp_acceptor = basic_tcp_acceptor<>;

}  // namespace berth::v0_1
