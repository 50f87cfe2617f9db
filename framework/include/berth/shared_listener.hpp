// One listening port served by several contexts: an acceptor on each of them, all of the one session socket.
//
// The acceptors have descriptors of their own of the same socket, so every shard accepts from the same queue, and
// nothing is bound twice: no SO_REUSEPORT. The port goes back once all of them are closed. A descriptor that was
// taken out of its acceptor meanwhile is still somebody's: then the port rests until the process has none of it.
// Let every shard have an async_accept() under way and begin the next when it ends: who is free takes the next
// client, and a shard that is busy keeps nobody waiting. async_accept_each() on several io_uring contexts gives all
// clients to one of them: the kernel wakes the first that waits, and that one never leaves its place.
#pragma once

#include <berth/bound_port.hpp>
#include <berth/detail/handler_operation.hpp>
#include <berth/tcp_acceptor.hpp>

#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/dispatch.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace berth::inline v0_1 {

class shared_listener {
public:
    shared_listener() noexcept = default;

    /// An acceptor on each context. Pre: the port's socket listens (tcp_use::listen). On failure (no descriptors
    /// left, no memory) nothing is shared, the port goes back, and ec says why. Any thread; waits for contexts that
    /// run.
    static shared_listener share(bound_port&& port, std::span<io_context* const> contexts, error_code& ec) {
        try {
            return share_out(port, contexts, ec);
        } catch (const std::bad_alloc&) {
            const bound_port goes_back(std::move(port));
            ec = errc::no_memory;
            return {};
        }
    }
    static shared_listener share(bound_port&& port, std::span<io_context* const> contexts) {
        error_code ec;
        auto made = share(std::move(port), contexts, ec);
        detail::throw_if(ec, "berth: share");
        return made;
    }

    shared_listener(shared_listener&&) noexcept = default;
    shared_listener& operator=(shared_listener&& other) noexcept {
        if (this != &other) {
            close();
            parts_ = std::move(other.parts_);
        }
        return *this;
    }
    ~shared_listener() { close(); }

    /// True until it is closed.
    explicit operator bool() const noexcept { return parts_ && parts_->port; }
    /// Host byte order; 0: closed, or nothing is shared.
    [[nodiscard]] std::uint16_t port() const noexcept { return parts_ ? parts_->port.port() : std::uint16_t{0}; }
    /// How many contexts there are.
    [[nodiscard]] std::size_t size() const noexcept { return parts_ ? parts_->acceptors.size() : 0; }
    /// The i-th context's acceptor, to be used there. It stays where it is until this object ends, also when closed.
    [[nodiscard]] tcp_acceptor& acceptor(std::size_t i) noexcept { return parts_->acceptors[i]; }

    /// Closes each acceptor on its own context, which must run; then the port goes back. Completion signature
    /// void(error_code), by default on the first context. Clients that nobody had accepted are closed.
    template <class Token>
    auto async_close(Token&& token) {
        return asio::async_initiate<Token, void(error_code)>(
            [](auto handler, std::shared_ptr<parts> closing) { begin_close(std::move(handler), std::move(closing)); },
            token, parts_);
    }

    /// Post: the acceptors are closed, their operations end with operation_aborted, the port is back. Pre: no context
    /// is in the middle of using its acceptor, and none waits for this thread: for before they run, and after.
    void close() noexcept {
        if (!*this) return;
        for (std::size_t i = 0; i < size(); ++i) parts_->close_one(i);
        parts_->give_back();
    }

private:
    struct parts {
        parts(bound_port&& p, std::size_t count) : port(std::move(p)) {
            acceptors.reserve(count);
            handles.reserve(count);
        }
        void add(io_context& context, const asio::ip::tcp& protocol, error_code& ec) {
            acceptors.emplace_back(context);
            const native_handle_type handle = port.duplicate(ec);
            if (ec) return acceptors.pop_back();
            try {
                acceptors.back().assign(protocol, handle, ec);
            } catch (const std::bad_alloc&) {
                ec = errc::no_memory;
            }
            if (!ec) return handles.push_back(handle);
            acceptors.pop_back();
            error_code ignored;
            detail::close_native(static_cast<detail::native_value>(handle), detail::said(ignored));
        }
        void close_one(std::size_t i) noexcept {
            constexpr auto closed = static_cast<native_handle_type>(-1);
            tcp_acceptor& a = acceptors[i];
            const native_handle_type ours = std::exchange(handles[i], closed);
            if (ours != closed && (!a.is_open() || a.native_handle() != ours)) all_ours = false;
            error_code ignored;
            a.close(ignored);
        }
        // Pre: all are closed. With our descriptors gone there is none, unless one of them was taken out.
        void give_back() noexcept {
            if (all_ours) port.uses_ &= ~static_cast<std::uint32_t>(bound_port::exposed);
            error_code ignored;
            port.give_back(ignored);
        }

        bound_port port;
        std::vector<tcp_acceptor> acceptors;
        std::vector<native_handle_type> handles;  // what each of them was given
        std::atomic<bool> all_ours{true};
    };

    static shared_listener share_out(bound_port& port, std::span<io_context* const> contexts, error_code& ec) {
        shared_listener made;
        made.parts_ = std::make_shared<parts>(std::move(port), contexts.size());
        asio::ip::tcp::endpoint local;
        std::size_t size = local.capacity();
        detail::name_native(made.parts_->port.io_handle(), false, local.data(), &size, detail::said(ec));
        if (!ec) local.resize(size);
        for (auto context = contexts.begin(); !ec && context != contexts.end(); ++context) {
            made.parts_->add(**context, local.protocol(), ec);
        }
        return ec ? shared_listener() : std::move(made);
    }

    template <class Handler>
    static void begin_close(Handler handler, std::shared_ptr<parts> closing) {
        if (!closing || closing->acceptors.empty()) {
            if (closing) closing->give_back();
            const auto executor = asio::get_associated_executor(handler);
            return asio::post(executor, [h = std::move(handler)]() mutable { std::move(h)(error_code()); });
        }
        using executor_type = tcp_acceptor::executor_type;
        struct completion {
            completion(Handler h, const executor_type& first, std::size_t count)
                : handler(std::move(h)),
                  executor(asio::prefer(asio::get_associated_executor(handler, first),
                                        asio::execution::outstanding_work.tracked)),
                  left(count) {}
            Handler handler;
            detail::tracked_executor<asio::associated_executor_t<Handler, executor_type>> executor;
            std::atomic<std::size_t> left;  // acceptors
        };
        auto& acceptors = closing->acceptors;
        auto end =
            std::make_shared<completion>(std::move(handler), acceptors.front().get_executor(), acceptors.size());
        for (std::size_t i = 0; i < acceptors.size(); ++i) {
            asio::post(acceptors[i].get_executor(), [closing, end, i] {
                closing->close_one(i);
                if (end->left.fetch_sub(1) != 1) return;
                closing->give_back();
                asio::dispatch(end->executor, [end] { std::move(end->handler)(error_code()); });
            });
        }
    }

    std::shared_ptr<parts> parts_;
};

}  // namespace berth::v0_1
