// A TCP connection on a berth::io_context: asio::ip::tcp::socket's interface, so that asio::async_read and
// async_write, asio::ssl::stream and what else is written for Asio's streams works on it.
//
// It comes from a connect, an accept, a caller's descriptor (assign), or out of a reservation (take<tcp_socket>).
#pragma once

#include <berth/detail/basic_io_socket.hpp>
#include <berth/detail/transfer_work.hpp>

#include <asio/ip/tcp.hpp>

#include <utility>

namespace berth::inline v0_1 {

template <class Executor = io_context::executor_type>
class basic_tcp_socket : public detail::basic_io_socket<asio::ip::tcp, Executor> {
    using base = detail::basic_io_socket<asio::ip::tcp, Executor>;

public:
    using typename base::endpoint_type;
    using typename base::executor_type;
    using typename base::native_handle_type;
    using typename base::protocol_type;
    using message_flags = asio::socket_base::message_flags;
    using lowest_layer_type = basic_tcp_socket;
    using lent_type = lent_buffer;  ///< what async_receive_each brings
    template <class Other>
    struct rebind_executor {
        using other = basic_tcp_socket<Other>;
    };

    explicit basic_tcp_socket(const Executor& executor) : base(executor) {}
    explicit basic_tcp_socket(io_context& context) : base(Executor(context.get_executor())) {}
    template <class Where>
    basic_tcp_socket(Where&& where, const protocol_type& protocol) : basic_tcp_socket(static_cast<Where&&>(where)) {
        this->open(protocol);
    }
    template <class Where>
    basic_tcp_socket(Where&& where, const endpoint_type& endpoint) : basic_tcp_socket(static_cast<Where&&>(where)) {
        this->open(endpoint.protocol());
        this->bind(endpoint);
    }
    template <class Where>
    basic_tcp_socket(Where&& where, const protocol_type& protocol, native_handle_type socket)
        : basic_tcp_socket(static_cast<Where&&>(where)) {
        this->assign(protocol, socket);
    }
    basic_tcp_socket(basic_tcp_socket&&) noexcept = default;
    basic_tcp_socket& operator=(basic_tcp_socket&&) noexcept = default;

    lowest_layer_type& lowest_layer() noexcept { return *this; }
    const lowest_layer_type& lowest_layer() const noexcept { return *this; }

    endpoint_type remote_endpoint(error_code& ec) const { return this->name(true, ec); }
    endpoint_type remote_endpoint() const {
        error_code ec;
        auto endpoint = this->name(true, ec);
        detail::throw_if(ec, "remote_endpoint");
        return endpoint;
    }
    void shutdown(asio::socket_base::shutdown_type what, error_code& ec) {
        detail::shutdown_native(this->native(), static_cast<int>(what), detail::said(ec));
    }
    void shutdown(asio::socket_base::shutdown_type what) {
        error_code ec;
        shutdown(what, ec);
        detail::throw_if(ec, "shutdown");
    }
    std::size_t available(error_code& ec) const { return detail::available_native(this->native(), detail::said(ec)); }
    std::size_t available() const {
        error_code ec;
        const auto size = available(ec);
        detail::throw_if(ec, "available");
        return size;
    }

    /// Opens the socket if it is not.
    void connect(const endpoint_type& to, error_code& ec) {
        if (!this->is_open()) this->open(to.protocol(), ec);
        if (!ec || this->is_open()) {
            detail::connect_native(this->native(), to.data(), to.size(), this->non_blocking(), detail::said(ec));
        }
    }
    void connect(const endpoint_type& to) {
        error_code ec;
        connect(to, ec);
        detail::throw_if(ec, "connect");
    }
    /// Completion signature void(error_code).
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_connect(const endpoint_type& to, Token&& token = asio::default_completion_token_t<executor_type>()) {
        error_code not_opened;
        if (!this->is_open()) this->open(to.protocol(), not_opened);
        return this->template initiate<detail::connect_work<endpoint_type>, void(error_code)>(
            static_cast<Token&&>(token),
            [not_opened](detail::message_operation& op, auto& work) {
                work.not_opened = not_opened;
                op.what = detail::verb::connect;
                op.address = work.to.data();
                op.address_size = static_cast<std::uint32_t>(work.to.size());
            },
            to);
    }

    template <class Buffers>
    std::size_t receive(const Buffers& buffers, message_flags flags, error_code& ec) {
        const detail::buffer_parts<Buffers> parts(buffers);
        if (parts.size() == 0) return ec = {}, 0;
        const auto size = detail::receive_native(this->native(), parts.data(), parts.count(), flags, nullptr, nullptr,
                                                 this->non_blocking(), detail::said(ec));
        if (!ec && size == 0) ec = asio::error::eof;
        return size;
    }
    template <class Buffers>
    std::size_t send(const Buffers& buffers, message_flags flags, error_code& ec) {
        const detail::buffer_parts<Buffers> parts(buffers);
        if (parts.size() == 0) return ec = {}, 0;
        return detail::send_native(this->native(), parts.data(), parts.count(), flags, nullptr, 0,
                                   this->non_blocking(), detail::said(ec));
    }
    template <class Buffers>
    std::size_t receive(const Buffers& buffers, message_flags flags = 0) {
        return checked([&](error_code& ec) { return receive(buffers, flags, ec); }, "receive");
    }
    template <class Buffers>
    std::size_t send(const Buffers& buffers, message_flags flags = 0) {
        return checked([&](error_code& ec) { return send(buffers, flags, ec); }, "send");
    }
    template <class Buffers>
    std::size_t read_some(const Buffers& buffers, error_code& ec) {
        return receive(buffers, 0, ec);
    }
    template <class Buffers>
    std::size_t read_some(const Buffers& buffers) {
        return receive(buffers);
    }
    template <class Buffers>
    std::size_t write_some(const Buffers& buffers, error_code& ec) {
        return send(buffers, 0, ec);
    }
    template <class Buffers>
    std::size_t write_some(const Buffers& buffers) {
        return send(buffers);
    }

    /// Completion signature void(error_code, std::size_t): at least one byte, or an error; asio::error::eof at the
    /// end.
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_receive(const Buffers& buffers, message_flags flags,
                       Token&& token = asio::default_completion_token_t<executor_type>()) {
        return this->template initiate<detail::read_work<Buffers>, void(error_code, std::size_t)>(
            static_cast<Token&&>(token),
            [flags](detail::message_operation& op, auto& work) {
                op.what = detail::verb::receive;
                op.flags = flags;
                work.parts.give(op);
            },
            buffers);
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_send(const Buffers& buffers, message_flags flags,
                    Token&& token = asio::default_completion_token_t<executor_type>()) {
        return this->template initiate<detail::write_work<Buffers>, void(error_code, std::size_t)>(
            static_cast<Token&&>(token),
            [flags](detail::message_operation& op, auto& work) {
                op.what = detail::verb::send;
                op.flags = flags;
                work.parts.give(op);
            },
            buffers);
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    requires(!std::is_integral_v<std::decay_t<Token>>) auto async_receive(
        const Buffers& buffers, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return async_receive(buffers, message_flags{0}, static_cast<Token&&>(token));
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    requires(!std::is_integral_v<std::decay_t<Token>>) auto async_send(
        const Buffers& buffers, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return async_send(buffers, message_flags{0}, static_cast<Token&&>(token));
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_read_some(const Buffers& buffers, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return async_receive(buffers, message_flags{0}, static_cast<Token&&>(token));
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_write_some(const Buffers& buffers, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return async_send(buffers, message_flags{0}, static_cast<Token&&>(token));
    }

    /// Receives until the end, an error, cancel or close, into buffers that are lent: handler(error_code, lent_buffer)
    /// is called for each piece, on the running thread, and once with an error (asio::error::eof at the end), which is
    /// the last call. While it is under way an idle connection holds no buffer; nothing is copied where the system
    /// allows (io_uring). The handler's allocator and cancellation slot are used, an executor it may not have.
    template <class Handler>
    void async_receive_each(Handler&& handler) {
        this->template begin_ongoing<detail::lending_work>(
            static_cast<Handler&&>(handler), [](detail::operation& op, auto&) { op.what = detail::verb::receive; });
    }

private:
    template <class Call>
    static std::size_t checked(Call call, const char* what) {
        error_code ec;
        const std::size_t size = call(ec);
        detail::throw_if(ec, what);
        return size;
    }
};

using tcp_socket = basic_tcp_socket<>;

}  // namespace berth::v0_1
