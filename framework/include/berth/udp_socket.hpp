// A UDP socket on a berth::io_context: asio::ip::udp::socket's interface.
//
// It is opened by its user, assigned, or taken out of a reservation (take<udp_socket>), bound and empty.
#pragma once

#include <berth/detail/basic_io_socket.hpp>
#include <berth/detail/transfer_work.hpp>

#include <asio/ip/udp.hpp>

namespace berth {

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
    std::size_t receive_from(const Buffers& buffers, endpoint_type& source) {
        return checked([&](error_code& ec) { return receive_from(buffers, source, 0, ec); }, "receive_from");
    }
    template <class Buffers>
    std::size_t receive(const Buffers& buffers, message_flags flags, error_code& ec) {
        const detail::buffer_parts<Buffers> parts(buffers);
        return detail::receive_native(this->native(), parts.data(), parts.count(), flags, nullptr, nullptr,
                                      this->non_blocking(), detail::said(ec));
    }
    template <class Buffers>
    std::size_t receive(const Buffers& buffers) {
        return checked([&](error_code& ec) { return receive(buffers, 0, ec); }, "receive");
    }
    template <class Buffers>
    std::size_t send_to(const Buffers& buffers, const endpoint_type& to, message_flags flags, error_code& ec) {
        const detail::buffer_parts<Buffers> parts(buffers);
        return detail::send_native(this->native(), parts.data(), parts.count(), flags, to.data(), to.size(),
                                   this->non_blocking(), detail::said(ec));
    }
    template <class Buffers>
    std::size_t send_to(const Buffers& buffers, const endpoint_type& to) {
        return checked([&](error_code& ec) { return send_to(buffers, to, 0, ec); }, "send_to");
    }
    template <class Buffers>
    std::size_t send(const Buffers& buffers, message_flags flags, error_code& ec) {
        const detail::buffer_parts<Buffers> parts(buffers);
        return detail::send_native(this->native(), parts.data(), parts.count(), flags, nullptr, 0,
                                   this->non_blocking(), detail::said(ec));
    }
    template <class Buffers>
    std::size_t send(const Buffers& buffers) {
        return checked([&](error_code& ec) { return send(buffers, 0, ec); }, "send");
    }

    /// Completion signatures void(error_code, std::size_t): one datagram; what does not fit the buffers is cut off.
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_receive_from(const Buffers& buffers, endpoint_type& source,
                            Token&& token = asio::default_completion_token_t<executor_type>()) {
        return receive_with(buffers, &source, token);
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_receive(const Buffers& buffers, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return receive_with(buffers, nullptr, token);
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_send_to(const Buffers& buffers, const endpoint_type& to,
                       Token&& token = asio::default_completion_token_t<executor_type>()) {
        return this->template initiate<detail::send_work<Buffers, endpoint_type>, void(error_code, std::size_t)>(
            token,
            [](detail::operation& op, auto& work) {
                op.what = detail::verb::send;
                op.address = work.to.data();
                op.address_size = static_cast<std::uint32_t>(work.to.size());
                work.parts.give(op);
            },
            buffers, to);
    }
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_send(const Buffers& buffers, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return this->template initiate<detail::send_work<Buffers, endpoint_type>, void(error_code, std::size_t)>(
            token,
            [](detail::operation& op, auto& work) {
                op.what = detail::verb::send;
                work.parts.give(op);
            },
            buffers, endpoint_type());
    }

private:
    template <class Buffers, class Token>
    auto receive_with(const Buffers& buffers, endpoint_type* source, Token& token) {
        return this->template initiate<detail::receive_work<Buffers, endpoint_type>, void(error_code, std::size_t)>(
            token,
            [](detail::operation& op, auto& work) {
                op.what = detail::verb::receive;
                if (work.source != nullptr) {
                    op.address = work.source->data();
                    op.address_size = static_cast<std::uint32_t>(work.source->capacity());
                }
                work.parts.give(op);
            },
            buffers, source);
    }
    template <class Call>
    static std::size_t checked(Call call, const char* what) {
        error_code ec;
        const std::size_t size = call(ec);
        detail::throw_if(ec, what);
        return size;
    }
};

using udp_socket = basic_udp_socket<>;

}  // namespace berth
