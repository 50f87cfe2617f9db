// A TCP server over shards: one listening socket, accepted from by all of them, and every client kept within limits.
//
// Listen, start with a handler, stop. A handler is a coroutine, one for each connection, on the shard that accepted
// it; or a set of functions, which costs an idle connection no buffer and no frame. The port is never shared by
// SO_REUSEPORT: each shard has a descriptor of the same socket. Not thread-safe but for what says so. The contexts
// outlive the server, and no handler of it destroys it.
#pragma once

#include <berth/connection.hpp>
#include <berth/detail/server_core.hpp>
#include <berth/server_options.hpp>
#include <berth/shards.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <utility>

namespace berth::inline v0_1 {

/// Handlers of a server without coroutines; any may be empty. An exception closes the connection, and is counted.
struct connection_callbacks {
    std::function<void(connection&)> opened;
    std::function<void(connection&, asio::const_buffer)> received;  ///< the bytes are there until it returns
    std::function<void(connection&)> drained;  ///< had been above the high watermark; reading had paused for it
    std::function<void(connection&)> stopping;
    std::function<void(connection&, error_code)> closed;  ///< the last; eof: by the client, none: by its handler
};

}  // namespace berth::v0_1

namespace berth::detail {

/// Says that the handler is done, whatever becomes of it.
class handler_hold {
public:
    explicit handler_hold(session& s) noexcept : session_(s) {}
    handler_hold(handler_hold&&) noexcept = default;
    handler_hold& operator=(handler_hold&&) = delete;
    ~handler_hold() {
        if (session_) session_->handler_done();
    }
    session& operator*() const noexcept { return *session_; }

private:
    session_reference session_;
};

/// What a handler threw. What it says of an end that the connection itself had reported is no failure.
inline void note_failure(session& s, const std::exception_ptr& thrown) noexcept {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::system_error& e) {
        if (s.is_open() && !s.has_reported_error()) s.failed(e.what());
    } catch (const std::exception& e) {
        s.failed(e.what());
    } catch (...) {
        s.failed("an exception of no std::exception type");
    }
}

template <class Handler>
session_hooks coroutine_hooks() noexcept {
    session_hooks hooks;
    hooks.opened = [](void* handler, session& s) {
        handler_hold hold(s);
        try {
            asio::co_spawn(s.context().get_executor(), (*static_cast<Handler*>(handler))(connection(s)),
                           [held = std::move(hold)](const std::exception_ptr& thrown) {
                               if (thrown) note_failure(*held, thrown);
                           });
        } catch (...) {
            note_failure(s, std::current_exception());
        }
    };
    return hooks;
}

template <class Function, class... Args>
void call_back(const Function& function, session& s, Args&&... args) noexcept {
    if (!function) return;
    connection c(s);
    try {
        function(c, static_cast<Args&&>(args)...);
    } catch (...) {
        note_failure(s, std::current_exception());
    }
}

inline session_hooks callback_hooks() noexcept {
    using callbacks = connection_callbacks;
    session_hooks hooks;
    hooks.opened = [](void* h, session& s) { call_back(static_cast<callbacks*>(h)->opened, s); };
    hooks.received = [](void* h, session& s, const void* data, std::size_t size) {
        call_back(static_cast<callbacks*>(h)->received, s, asio::const_buffer(data, size));
    };
    hooks.drained = [](void* h, session& s) { call_back(static_cast<callbacks*>(h)->drained, s); };
    hooks.stopping = [](void* h, session& s) { call_back(static_cast<callbacks*>(h)->stopping, s); };
    hooks.closed = [](void* h, session& s, const error_code& ec) {
        call_back(static_cast<callbacks*>(h)->closed, s, ec);
    };
    return hooks;
}

template <class Handler, class IoExecutor>
class handler_stop_wait final : public stop_wait {
public:
    handler_stop_wait(event_loop& loop, const IoExecutor& io_executor, Handler handler)
        : loop_(loop),
          handler_(std::move(handler)),
          place_(asio::get_associated_executor(handler_, io_executor), loop) {
        run = [](ready_node& node, bool invoke) {
            auto& self = static_cast<handler_stop_wait&>(node);
            const auto where = std::move(self.place_);
            const error_code outcome = self.ec;
            Handler mine(std::move(self.handler_));
            auto allocator = allocator_for<handler_stop_wait>(mine, self.loop_);
            self.~handler_stop_wait();
            allocator.deallocate(&self, 1);
            if (invoke) where.call(std::move(mine), outcome);
        };
    }

private:
    event_loop& loop_;
    Handler handler_;
    handler_place<asio::associated_executor_t<Handler, IoExecutor>> place_;
};

}  // namespace berth::detail

namespace berth::inline v0_1 {

class server {
public:
    using executor_type = io_context::executor_type;
    using endpoint_type = asio::ip::tcp::endpoint;
    using duration = server_options::duration;

    /// Throws std::invalid_argument, naming the option that makes no sense.
    explicit server(shards& on, const server_options& options = {}) : first_(&on[0]) {
        std::vector<detail::shard_place> places;
        for (std::size_t i = 0; i < on.size(); ++i) places.push_back({&on[i].loop(), &on[i]});
        core_ = detail::server_core::make(places, options);
    }
    explicit server(io_context& on, const server_options& options = {})
        : first_(&on), core_(detail::server_core::make({{&on.loop(), &on}}, options)) {}
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    /// Closes all that is open, on all shards, and waits for that.
    ~server() { core_->end(); }

    [[nodiscard]] executor_type get_executor() const noexcept { return first_->get_executor(); }

    /// Binds and listens; port 0: one that the system picks. Returns the endpoint. Several are fine, before start.
    endpoint_type listen(const endpoint_type& on, error_code& ec) { return core_->listen(on, ec); }
    endpoint_type listen(const endpoint_type& on) { return listened([&](error_code& ec) { return listen(on, ec); }); }
    /// On a port out of a reservation for tcp_use::listen. It goes back when the server stops.
    endpoint_type listen(bound_port port, error_code& ec) { return core_->listen(std::move(port), ec); }
    endpoint_type listen(bound_port port) {
        return listened([&](error_code& ec) { return listen(std::move(port), ec); });
    }

    /// From now on accepts. The handler is called with each connection, on its shard, perhaps on several at once; when
    /// its coroutine ends, the connection does, after what is queued. already_started, or not_socket without a listen.
    template <class Handler>
    requires(std::same_as<std::invoke_result_t<Handler&, connection>, asio::awaitable<void>> ||
             std::same_as<std::invoke_result_t<Handler&, connection>,
                          asio::awaitable<void, executor_type>>) void start(Handler handler, error_code& ec) {
        core_->start(detail::coroutine_hooks<Handler>(), std::make_shared<Handler>(std::move(handler)), ec);
    }
    void start(connection_callbacks callbacks, error_code& ec) {
        core_->start(detail::callback_hooks(), std::make_shared<connection_callbacks>(std::move(callbacks)), ec);
    }
    template <class Handler>
    void start(Handler handler) {
        error_code ec;
        start(std::move(handler), ec);
        if (ec) throw std::system_error(ec, "berth::server: start");
    }

    /// Stops gracefully: accepts what is in the queue and nothing more, tells the handlers, and waits until all of them
    /// ended; those that have not by the deadline are cut. Any thread. A second one may shorten the deadline.
    /// Completion signature void(error_code): timed_out if any was cut, or goes on although its connection has ended.
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_stop(duration deadline, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return asio::async_initiate<Token, void(error_code)>(initiate_stop{this}, token, deadline);
    }
    /// As async_stop, but who is in the listening sockets' queues stays there, for the process that has these sockets
    /// too by now (handover.hpp). A client that was accepted and waits for room (beyond_limit::wait) is refused.
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_leave(duration deadline, Token&& token = asio::default_completion_token_t<executor_type>()) {
        return asio::async_initiate<Token, void(error_code)>(initiate_stop{this, true}, token, deadline);
    }
    /// Any thread: as async_stop, cutting now; not waited for.
    void stop() { core_->stop(duration::zero(), nullptr); }
    [[nodiscard]] bool stopping() const noexcept { return core_->is_stopping(); }

    /// Any thread, without a lock.
    [[nodiscard]] server_statistics statistics(std::size_t shard) const noexcept { return core_->statistics(shard); }
    [[nodiscard]] server_statistics statistics() const noexcept {
        server_statistics all;
        for (std::size_t i = 0; i < core_->size(); ++i) all += core_->statistics(i);
        return all;
    }

private:
    struct initiate_stop {
        using executor_type = server::executor_type;
        server* self;
        bool leaves = false;
        [[nodiscard]] executor_type get_executor() const noexcept { return self->get_executor(); }

        template <class Handler>
        void operator()(Handler&& handler, duration deadline) const {
            using type = detail::handler_stop_wait<std::decay_t<Handler>, executor_type>;
            detail::event_loop& loop = self->first_->loop();
            auto* const done =
                detail::make_for<type>(handler, loop, loop, get_executor(), static_cast<Handler&&>(handler));
            try {
                leaves ? self->core_->leave(deadline, done) : self->core_->stop(deadline, done);
            } catch (...) {  // nothing has changed
                done->run(*done, false);
                throw;
            }
        }
    };
    template <class Listen>
    static endpoint_type listened(Listen listen_on) {
        error_code ec;
        auto endpoint = listen_on(ec);
        if (ec) throw std::system_error(ec, "berth::server: listen");
        return endpoint;
    }

    io_context* first_;
    std::shared_ptr<detail::server_core> core_;
};

}  // namespace berth::v0_1
