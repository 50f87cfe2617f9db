// A UDP socket on a berth::io_context: asio::ip::udp::socket's interface.
//
// It is opened by its user, assigned, or taken out of a reservation (take<udp_socket>), bound and empty.
#pragma once

#include <berth/datagram.hpp>
#include <berth/detail/basic_io_socket.hpp>
#include <berth/detail/receiving_work.hpp>
#include <berth/detail/transfer_work.hpp>

#include <asio/ip/udp.hpp>

namespace berth::inline v0_1 {

template <class Executor = io_context::executor_type>
class basic_udp_socket : public detail::basic_io_socket<asio::ip::udp, Executor> {
    using base = detail::basic_io_socket<asio::ip::udp, Executor>;

public:
    using typename base::endpoint_type;
    using typename base::executor_type;
    using typename base::native_handle_type;
    using typename base::protocol_type;
    using message_flags = asio::socket_base::message_flags;
    using lowest_layer_type = basic_udp_socket;
    using lent_type = datagram;  ///< what async_receive_each brings
    template <class Other>
    struct rebind_executor {
        using other = basic_udp_socket<Other>;
    };

    explicit basic_udp_socket(const Executor& executor) : base(executor) {}
    explicit basic_udp_socket(io_context& context) : base(Executor(context.get_executor())) {}
    template <class Where>
    basic_udp_socket(Where&& where, const protocol_type& protocol) : basic_udp_socket(static_cast<Where&&>(where)) {
        this->open(protocol);
    }
    /// Opens and binds.
    template <class Where>
    basic_udp_socket(Where&& where, const endpoint_type& endpoint) : basic_udp_socket(static_cast<Where&&>(where)) {
        this->open(endpoint.protocol());
        this->bind(endpoint);
    }
    template <class Where>
    basic_udp_socket(Where&& where, const protocol_type& protocol, native_handle_type socket)
        : basic_udp_socket(static_cast<Where&&>(where)) {
        this->assign(protocol, socket);
    }
    basic_udp_socket(basic_udp_socket&&) noexcept = default;
    basic_udp_socket& operator=(basic_udp_socket&&) noexcept = default;

    lowest_layer_type& lowest_layer() noexcept { return *this; }
    const lowest_layer_type& lowest_layer() const noexcept { return *this; }

    endpoint_type remote_endpoint(error_code& ec) const { return this->name(true, ec); }
    endpoint_type remote_endpoint() const {
        error_code ec;
        auto endpoint = this->name(true, ec);
        detail::throw_if(ec, "remote_endpoint");
        return endpoint;
    }
    /// Bytes of the datagram that is next.
    std::size_t available(error_code& ec) const { return detail::available_native(this->native(), detail::said(ec)); }
    std::size_t available() const {
        error_code ec;
        const auto size = available(ec);
        detail::throw_if(ec, "available");
        return size;
    }

    /// Datagrams that were lost since the socket was made, because its receive buffer had no room for them when they
    /// came (receive_buffer_size; net.core.rmem_max limits it); modulo 2^32. The system counts them, and also what a
    /// filter refused and what was damaged: of a reservation's socket that is what came while it was parked, and what
    /// earlier sessions lost, so what it has grown by since take is this session's. One system call. Any thread, as
    /// long as nobody closes the socket. operation_not_supported on Windows, which counts for all sockets together.
    std::uint32_t overflowed(error_code& ec) const {
        return detail::overflowed_native(this->native(), detail::said(ec));
    }
    std::uint32_t overflowed() const {
        error_code ec;
        const auto count = overflowed(ec);
        detail::throw_if(ec, "overflowed");
        return count;
    }

    void connect(const endpoint_type& to, error_code& ec) {
        this->lend();  // the remote address has to be forgotten
        if (!this->is_open()) this->open(to.protocol(), ec);
        if (!ec || this->is_open())
            detail::connect_native(this->native(), to.data(), to.size(), true, detail::said(ec));
    }
    void connect(const endpoint_type& to) {
        error_code ec;
        connect(to, ec);
        detail::throw_if(ec, "connect");
    }

    template <class Buffers>
    std::size_t receive_from(const Buffers& buffers, endpoint_type& source, message_flags flags, error_code& ec) {
        const detail::buffer_parts<Buffers> parts(buffers);
        std::size_t size = source.capacity();
        const auto n = detail::receive_native(this->native(), parts.data(), parts.count(), flags, source.data(),
                                              &size, this->non_blocking(), detail::said(ec));
        if (!ec) source.resize(size);
        return n;
    }
    template <class Buffers>
    std::size_t receive_from(const Buffers& buffers, endpoint_type& source, message_flags flags = 0) {
        return checked([&](error_code& ec) { return receive_from(buffers, source, flags, ec); }, "receive_from");
    }
    template <class Buffers>
    std::size_t receive(const Buffers& buffers, message_flags flags, error_code& ec) {
        const detail::buffer_parts<Buffers> parts(buffers);
        return detail::receive_native(this->native(), parts.data(), parts.count(), flags, nullptr, nullptr,
                                      this->non_blocking(), detail::said(ec));
    }
    template <class Buffers>
    std::size_t receive(const Buffers& buffers, message_flags flags = 0) {
        return checked([&](error_code& ec) { return receive(buffers, flags, ec); }, "receive");
    }
    template <class Buffers>
    std::size_t send_to(const Buffers& buffers, const endpoint_type& to, message_flags flags, error_code& ec) {
        const detail::buffer_parts<Buffers> parts(buffers);
        return detail::send_native(this->native(), parts.data(), parts.count(), flags, to.data(), to.size(),
                                   this->non_blocking(), detail::said(ec));
    }
    template <class Buffers>
    std::size_t send_to(const Buffers& buffers, const endpoint_type& to, message_flags flags = 0) {
        return checked([&](error_code& ec) { return send_to(buffers, to, flags, ec); }, "send_to");
    }
    template <class Buffers>
    std::size_t send(const Buffers& buffers, message_flags flags, error_code& ec) {
        const detail::buffer_parts<Buffers> parts(buffers);
        return detail::send_native(this->native(), parts.data(), parts.count(), flags, nullptr, 0,
                                   this->non_blocking(), detail::said(ec));
    }
    template <class Buffers>
    std::size_t send(const Buffers& buffers, message_flags flags = 0) {
        return checked([&](error_code& ec) { return send(buffers, flags, ec); }, "send");
    }

    /// Completion signatures void(error_code, std::size_t): one datagram; what does not fit the buffers is cut off,
    /// and not counted unless the flags ask for the whole size.
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_receive_from(const Buffers& buffers, endpoint_type& source, message_flags flags,
                            Token&& token = asio::default_completion_token_t<executor_type>()) {
        return receive_with(buffers, &source, flags, static_cast<Token&&>(token));
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    requires(!std::is_integral_v<std::decay_t<Token>>) auto async_receive_from(
        const Buffers& buffers, endpoint_type& source,
        Token&& token = asio::default_completion_token_t<executor_type>()) {
        return receive_with(buffers, &source, 0, static_cast<Token&&>(token));
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_receive(const Buffers& buffers, message_flags flags,
                       Token&& token = asio::default_completion_token_t<executor_type>()) {
        return receive_with(buffers, nullptr, flags, static_cast<Token&&>(token));
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    requires(!std::is_integral_v<std::decay_t<Token>>) auto async_receive(
        const Buffers& buffers, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return receive_with(buffers, nullptr, 0, static_cast<Token&&>(token));
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_send_to(const Buffers& buffers, const endpoint_type& to, message_flags flags,
                       Token&& token = asio::default_completion_token_t<executor_type>()) {
        return send_with(buffers, &to, flags, static_cast<Token&&>(token));
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    requires(!std::is_integral_v<std::decay_t<Token>>) auto async_send_to(
        const Buffers& buffers, const endpoint_type& to,
        Token&& token = asio::default_completion_token_t<executor_type>()) {
        return send_with(buffers, &to, 0, static_cast<Token&&>(token));
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_send(const Buffers& buffers, message_flags flags,
                    Token&& token = asio::default_completion_token_t<executor_type>()) {
        return send_with(buffers, nullptr, flags, static_cast<Token&&>(token));
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    requires(!std::is_integral_v<std::decay_t<Token>>) auto async_send(
        const Buffers& buffers, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return send_with(buffers, nullptr, 0, static_cast<Token&&>(token));
    }

    /// What the datagrams of async_receive_each say. `joined` needs lent buffers of 66,000 bytes or more
    /// (io_context_options): std::errc::no_buffer_space otherwise, as a joined datagram would be cut off. What a
    /// reservation's socket was asked is undone when its port is given back.
    void receive_details(datagram_details which, error_code& ec) {
        if (contains(which, datagram_details::joined) && this->loop().lent_buffer_size() < 66'000) {
            ec = std::make_error_code(std::errc::no_buffer_space);
            return;
        }
        this->lend();
        detail::ask_for_control(this->native(), contains(which, datagram_details::destination),
                                contains(which, datagram_details::traffic_class),
                                contains(which, datagram_details::joined), detail::said(ec));
        if (!ec) says_details_ = which != datagram_details::none;
    }
    void receive_details(datagram_details which) {
        error_code ec;
        receive_details(which, ec);
        detail::throw_if(ec, "receive_details");
    }

    /// Receives until an error, cancel or close: handler(error_code, datagram) is called for each datagram, on the
    /// running thread, and once with an error, which is the last call. Buffers are lent, nothing is copied where the
    /// system allows (io_uring). The handler's allocator and cancellation slot are used, an executor it may not have.
    template <class Handler>
    void async_receive_each(Handler&& handler) {
        this->template begin_ongoing<detail::receiving_work>(
            static_cast<Handler&&>(handler), [this](detail::message_operation& op, auto& work) { work.prepare(op, says_details_); });
    }

private:
    template <class Buffers, class Token>
    auto receive_with(const Buffers& buffers, endpoint_type* source, message_flags flags, Token&& token) {
        return this->template initiate<detail::receive_work<Buffers, endpoint_type>, void(error_code, std::size_t)>(
            static_cast<Token&&>(token),
            [flags](detail::message_operation& op, auto& work) {
                op.what = detail::verb::receive;
                op.flags = flags;
                if (work.source != nullptr) {
                    op.address = work.source->data();
                    op.address_size = static_cast<std::uint32_t>(work.source->capacity());
                }
                work.parts.give(op);
            },
            buffers, source);
    }
    /// to: nullptr for a connected socket's remote.
    template <class Buffers, class Token>
    auto send_with(const Buffers& buffers, const endpoint_type* to, message_flags flags, Token&& token) {
        return this->template initiate<detail::send_work<Buffers, endpoint_type>, void(error_code, std::size_t)>(
            static_cast<Token&&>(token),
            [flags, has_address = to != nullptr](detail::message_operation& op, auto& work) {
                op.what = detail::verb::send;
                op.flags = flags;
                if (has_address) {
                    op.address = work.to.data();
                    op.address_size = static_cast<std::uint32_t>(work.to.size());
                }
                work.parts.give(op);
            },
            buffers, to != nullptr ? *to : endpoint_type());
    }
    template <class Call>
    static std::size_t checked(Call call, const char* what) {
        error_code ec;
        const std::size_t size = call(ec);
        detail::throw_if(ec, what);
        return size;
    }

    bool says_details_ = false;
};

using udp_socket = basic_udp_socket<>;

}  // namespace berth::v0_1
