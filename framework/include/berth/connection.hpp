// A handle to one connection of a berth::server: a stream for Asio's algorithms, and a write queue with watermarks.
//
// Handles are counted and refer to the same connection; all of them belong to the thread of its shard, and none may
// outlive the shards. The connection ends when its handler does, when it is closed, or when the server ends it: by a
// deadline (operations say asio::error::timed_out) or when it stops (operation_aborted).
#pragma once

#include <berth/detail/handler_operation.hpp>
#include <berth/detail/session.hpp>
#include <berth/detail/transfer_work.hpp>
#include <berth/io_context.hpp>
#include <berth/steady_timer.hpp>

#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/socket_base.hpp>

#include <type_traits>
#include <utility>

namespace berth::detail {

template <class Buffers>
struct session_read {
    using form = message_operation;
    session_reference self;
    buffer_parts<Buffers> parts;
    session_read(const session_reference& s, const Buffers& buffers) : self(s), parts(buffers) {}
    std::tuple<error_code, std::size_t> arguments(message_operation& op, int result) const noexcept {
        const error_code ec = self->receive_ended(op, result);
        return {ec, result > 0 ? static_cast<std::size_t>(result) : 0};
    }
};

template <class Buffers>
struct session_write {
    using form = message_operation;
    session_reference self;
    buffer_parts<Buffers> parts;
    session_write(const session_reference& s, const Buffers& buffers) : self(s), parts(buffers) {}
    std::tuple<error_code, std::size_t> arguments(operation&, int result) const noexcept {
        const error_code ec = self->send_ended(result);
        return {ec, result > 0 ? static_cast<std::size_t>(result) : 0};
    }
};

/// Starts a transfer: Work lives in the operation.
template <class Work>
struct initiate_session_transfer {
    using executor_type = io_context::executor_type;
    session_reference self;
    verb what;
    bool until_stop;
    [[nodiscard]] executor_type get_executor() const noexcept { return self->context().get_executor(); }

    template <class Handler, class Buffers>
    void operator()(Handler&& handler, const Buffers& buffers) const {
        auto* const op =
            make_operation<Work>(self->loop(), get_executor(), static_cast<Handler&&>(handler), self, buffers);
        op->what = what;
        op->work.parts.give(*op);
        if (self->is_open() && op->work.parts.size() != 0) op->listen_to_slot();
        until_stop ? self->start_unless_stopping(*op) : self->start(*op, op->work.parts.size() == 0);
    }
};

/// Waits for something of a session's that has no time; enter(session, wait) says for what.
template <class Enter>
struct initiate_session_wait {
    using executor_type = io_context::executor_type;
    session_reference self;
    Enter enter;
    [[nodiscard]] executor_type get_executor() const noexcept { return self->context().get_executor(); }

    template <class Handler>
    void operator()(Handler&& handler) const {
        using type = handler_wait<std::decay_t<Handler>, executor_type>;
        event_loop& loop = self->loop();
        auto slot = asio::get_associated_cancellation_slot(handler);
        type* const wait = make_for<type>(handler, loop, loop, get_executor(), static_cast<Handler&&>(handler));
        try {
            if (slot.is_connected()) {
                slot.assign([&loop, wait](asio::cancellation_type how) {
                    if (how == asio::cancellation_type::none || !loop.remove(*wait)) return;
                    wait->leave();
                    wait->is_cancelled = true;
                    loop.post(*wait);
                });
            }
            enter(*self, *wait);
        } catch (...) {
            if (slot.is_connected()) slot.clear();
            wait->run(*wait, false);
            throw;
        }
    }
};

}  // namespace berth::detail

namespace berth::inline v0_1 {

class connection {
public:
    using executor_type = io_context::executor_type;
    using lowest_layer_type = connection;
    using endpoint_type = asio::ip::tcp::endpoint;

    /// Of a server's; for its handlers.
    explicit connection(detail::session& s) noexcept : session_(s) {}

    [[nodiscard]] executor_type get_executor() const noexcept { return session_->context().get_executor(); }
    lowest_layer_type& lowest_layer() noexcept { return *this; }
    [[nodiscard]] bool is_open() const noexcept { return session_->is_open(); }
    /// Why it is not.
    [[nodiscard]] connection_end end() const noexcept { return session_->end(); }
    /// The shard that it was accepted on, as the server counts them.
    [[nodiscard]] std::size_t shard() const noexcept { return session_->shard_index(); }
    [[nodiscard]] endpoint_type remote_endpoint(error_code& ec) const { return name(true, ec); }
    [[nodiscard]] endpoint_type local_endpoint(error_code& ec) const { return name(false, ec); }
    template <class Option>
    void set_option(const Option& option, error_code& ec) {
        error_code unnamed;
        const auto protocol = name(false, unnamed).protocol();
        detail::set_option_native(session_->native(), option.level(protocol), option.name(protocol),
                                  option.data(protocol), option.size(protocol), detail::said(ec));
    }

    /// Whether the server is stopping: finish what was begun, and begin nothing.
    [[nodiscard]] bool stopping() const noexcept { return session_->is_stopping(); }
    /// Completes when the server begins to stop. Completion signature void(error_code).
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_wait_stopping(Token&& token = asio::default_completion_token_t<executor_type>()) {
        return wait_for(static_cast<Token&&>(token), [](detail::session& s, detail::timer_node& wait) { s.wait_stopping(wait); });
    }

    /// As a socket's. Completion signature void(error_code, std::size_t).
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_read_some(const Buffers& buffers, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return transfer<detail::session_read<Buffers>>(detail::verb::receive, false, buffers, static_cast<Token&&>(token));
    }
    /// For the first bytes of a next request: ends with operation_aborted when the server stops and none is there.
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_read_unless_stopping(const Buffers& buffers,
                                    Token&& token = asio::default_completion_token_t<executor_type>()) {
        return transfer<detail::session_read<Buffers>>(detail::verb::receive, true, buffers, static_cast<Token&&>(token));
    }
    /// As a socket's, past the write queue: let that be empty (async_flushed) first. The same signature.
    template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
    auto async_write_some(const Buffers& buffers, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return transfer<detail::session_write<Buffers>>(detail::verb::send, false, buffers, static_cast<Token&&>(token));
    }

    /// Queues a copy of the bytes; what is queued in one turn of the loop is sent together. False: do not go on before
    /// async_drained(), the queue is above its high watermark or the connection is not open. Throws std::bad_alloc.
    template <class Buffers>
    bool write(const Buffers& buffers) {
        auto at = asio::buffer_sequence_begin(buffers);
        const auto end = asio::buffer_sequence_end(buffers);
        bool may_go_on = !is_above_high();
        for (; at != end; ++at) {
            const asio::const_buffer bytes(*at);
            const detail::buffer_part part{const_cast<void*>(bytes.data()), bytes.size()};
            may_go_on = session_->queue(&part, 1, part.size);
        }
        return may_go_on && is_open();
    }
    [[nodiscard]] std::size_t queued() const noexcept { return session_->queued(); }  ///< bytes
    [[nodiscard]] bool is_above_high() const noexcept { return session_->is_above_high(); }
    /// Completes at once unless the queue has been above its high watermark; then when it is down at the low one.
    /// operation_aborted: the connection ended. Completion signature void(error_code).
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_drained(Token&& token = asio::default_completion_token_t<executor_type>()) {
        return wait_for(static_cast<Token&&>(token), [](detail::session& s, detail::timer_node& wait) { s.wait_drained(wait, false); });
    }
    /// Completes when the system has all that was queued. As async_drained otherwise.
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_flushed(Token&& token = asio::default_completion_token_t<executor_type>()) {
        return wait_for(static_cast<Token&&>(token), [](detail::session& s, detail::timer_node& wait) { s.wait_drained(wait, true); });
    }

    /// As a socket's: the client hears an end, and this side may still read. What is queued is cut off: let that be
    /// empty (async_flushed) first.
    void shutdown(asio::socket_base::shutdown_type what, error_code& ec) {
        detail::shutdown_native(session_->native(), static_cast<int>(what), detail::said(ec));
    }

    /// Closes when the queue is empty; write() queues nothing any more.
    void finish() noexcept { session_->finish(); }
    /// Closes now; a client that has not got all of the queue hears a reset.
    void close() noexcept { session_->close(connection_end::finished); }
    /// Closes now by a reset, so that the client does not take what it got for all there is.
    void reset() noexcept { session_->close(connection_end::finished, true); }

    /// A word of the handler's own, nullptr at first.
    [[nodiscard]] void*& user_data() const noexcept { return session_->user_data; }

private:
    [[nodiscard]] endpoint_type name(bool remote, error_code& ec) const {
        endpoint_type endpoint;
        std::size_t size = endpoint.capacity();
        detail::name_native(session_->native(), remote, endpoint.data(), &size, detail::said(ec));
        if (ec) return endpoint_type();
        endpoint.resize(size);
        return endpoint;
    }
    template <class Work, class Buffers, class Token>
    auto transfer(detail::verb what, bool until_stop, const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            detail::initiate_session_transfer<Work>{session_, what, until_stop}, token, buffers);
    }
    template <class Enter, class Token>
    auto wait_for(Token&& token, Enter enter) {
        return asio::async_initiate<Token, void(error_code)>(detail::initiate_session_wait<Enter>{session_, enter},
                                                             token);
    }

    detail::session_reference session_;
};

}  // namespace berth::v0_1
