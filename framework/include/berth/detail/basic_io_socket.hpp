// Asio's vocabulary over what a socket is: addresses, options, waits.
#pragma once

#include <berth/detail/socket_core.hpp>

#include <utility>

namespace berth::detail {

/// The result of a wait.
struct wait_work {
    using form = operation;
    static std::tuple<error_code> arguments(operation&, int result) noexcept {
        return {result < 0 ? error_of(result) : error_code()};
    }
};

template <class Protocol, class Executor>
class basic_io_socket : public socket_core<Protocol, Executor> {
    using core = socket_core<Protocol, Executor>;

public:
    using typename core::endpoint_type;
    using typename core::executor_type;
    using typename core::wait_type;

    void bind(const endpoint_type& endpoint, error_code& ec) {
        bind_native(this->native(), endpoint.data(), endpoint.size(), said(ec));
    }
    void bind(const endpoint_type& endpoint) {
        error_code ec;
        bind(endpoint, ec);
        throw_if(ec, "bind");
    }

    endpoint_type local_endpoint(error_code& ec) const { return name(false, ec); }
    endpoint_type local_endpoint() const {
        error_code ec;
        auto endpoint = name(false, ec);
        throw_if(ec, "local_endpoint");
        return endpoint;
    }

    template <class Option>
    void set_option(const Option& option, error_code& ec) {
        const auto protocol = family_protocol();
        this->lend();
        set_option_native(this->native(), option.level(protocol), option.name(protocol), option.data(protocol),
                          option.size(protocol), said(ec));
    }
    template <class Option>
    void set_option(const Option& option) {
        error_code ec;
        set_option(option, ec);
        throw_if(ec, "set_option");
    }
    template <class Option>
    void get_option(Option& option, error_code& ec) const {
        const auto protocol = family_protocol();
        std::size_t size = option.size(protocol);
        get_option_native(this->native(), option.level(protocol), option.name(protocol), option.data(protocol), &size,
                          said(ec));
        if (!ec) option.resize(protocol, size);
    }
    template <class Option>
    void get_option(Option& option) const {
        error_code ec;
        get_option(option, ec);
        throw_if(ec, "get_option");
    }
    template <class Command>
    void io_control(Command& command, error_code& ec) {
        this->lend();
        control_native(this->native(), static_cast<int>(command.name()), command.data(), said(ec));
    }
    template <class Command>
    void io_control(Command& command) {
        error_code ec;
        io_control(command, ec);
        throw_if(ec, "io_control");
    }

    /// Whether synchronous calls end with would_block instead of waiting.
    [[nodiscard]] bool non_blocking() const noexcept { return this->is_nonblocking(); }
    void non_blocking(bool mode, error_code& ec) {
        ec = this->is_open() ? error_code() : error_code(asio::error::bad_descriptor);
        if (!ec) this->make_nonblocking(mode);
    }
    void non_blocking(bool mode) {
        error_code ec;
        non_blocking(mode, ec);
        throw_if(ec, "non_blocking");
    }

    void wait(wait_type what, error_code& ec) { wait_native(this->native(), verb_of(what), said(ec)); }
    void wait(wait_type what) {
        error_code ec;
        wait(what, ec);
        throw_if(ec, "wait");
    }
    /// Completion signature void(error_code).
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_wait(wait_type what, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return this->template initiate<wait_work, void(error_code)>(
            static_cast<Token&&>(token), [what](operation& op, auto&) { op.what = verb_of(what); });
    }

protected:
    using core::core;

    endpoint_type name(bool remote, error_code& ec) const {
        endpoint_type endpoint;
        std::size_t size = endpoint.capacity();
        name_native(this->native(), remote, endpoint.data(), &size, said(ec));
        if (ec) return endpoint_type();
        endpoint.resize(size);
        return endpoint;
    }

private:
    static verb verb_of(wait_type what) noexcept {
        return what == core::wait_read ? verb::readable : what == core::wait_write ? verb::writable : verb::error;
    }
    Protocol family_protocol() const {
        error_code ignored;
        return name(false, ignored).protocol();
    }
};

}  // namespace berth::detail
