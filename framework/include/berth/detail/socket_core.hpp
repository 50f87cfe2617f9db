// What every berth socket is: a descriptor, and its place on a loop.
//
// The descriptor is attached to the loop as long as it is open, and non-blocking underneath; a synchronous call waits
// by itself unless non_blocking(true) was asked for. Not for concurrent use. A thread other than the running one may
// close or cancel: it is made to wait until the loop did it, so it must not hold what a handler waits for.
#pragma once

#include <berth/detail/executor_on_loop.hpp>
#include <berth/detail/handler_operation.hpp>
#include <berth/detail/native_calls.hpp>
#include <berth/detail/ongoing_operation.hpp>

#include <asio/async_result.hpp>
#include <asio/detail/socket_types.hpp>
#include <asio/detail/throw_error.hpp>
#include <asio/error.hpp>
#include <asio/socket_base.hpp>

#include <cstdint>
#include <utility>

namespace berth::detail {

inline void throw_if(const error_code& ec, const char* what) {
    if (ec) throw std::system_error(ec, what);
}

/// For what is built on a socket beside it.
struct io_access {
    template <class Socket>
    static attachment* attachment_of(const Socket& socket) noexcept {
        return socket.attachment_;
    }
    template <class Socket>
    static event_loop& loop_of(const Socket& socket) noexcept {
        return socket.loop();
    }
    /// As assign, of what a loop's accept brought. Pre: it is not open.
    template <class Socket, class Protocol>
    static void adopt(Socket& socket, const Protocol& protocol, native_value accepted, error_code& ec) {
        socket.take_in(protocol, accepted, ec, true);
    }
};

template <class Protocol, class Executor>
class socket_core : public asio::socket_base {
public:
    using protocol_type = Protocol;
    using endpoint_type = typename Protocol::endpoint;
    using executor_type = Executor;
    using native_handle_type = asio::detail::socket_type;

    socket_core(socket_core&& other) noexcept
        : executor_(other.executor_),
          attachment_(std::exchange(other.attachment_, nullptr)),
          native_(std::exchange(other.native_, -1)),
          is_nonblocking_(other.is_nonblocking_),
          was_lent_(other.was_lent_) {}
    socket_core& operator=(socket_core&& other) noexcept {
        if (this != &other) {
            error_code ignored;
            close(ignored);
            executor_ = other.executor_;
            attachment_ = std::exchange(other.attachment_, nullptr);
            native_ = std::exchange(other.native_, -1);
            is_nonblocking_ = other.is_nonblocking_;
            was_lent_ = other.was_lent_;
        }
        return *this;
    }

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_.executor(); }
    [[nodiscard]] bool is_open() const noexcept { return native_ >= 0; }
    [[nodiscard]] native_handle_type native_handle() const noexcept {
        was_lent_ = true;
        return static_cast<native_handle_type>(native_);
    }

    void open(const Protocol& protocol, error_code& ec) {
        if (is_open()) return already_open(ec);
        const native_value fresh = open_native(protocol.family(), protocol.type(), protocol.protocol(), said(ec));
        if (ec) return;
        take_in(protocol, fresh, ec);
        if (error_code ignored; ec) close_native(fresh, said(ignored));
    }
    void open(const Protocol& protocol = Protocol::v4()) {
        error_code ec;
        open(protocol, ec);
        throw_if(ec, "open");
    }

    /// For reservations: as assign, and was_lent() says false until somebody gets at the descriptor or its options.
    void assign_own(const Protocol& protocol, native_handle_type socket, error_code& ec) {
        assign(protocol, socket, ec);
        was_lent_ = false;
    }
    [[nodiscard]] bool was_lent() const noexcept { return was_lent_; }
    [[nodiscard]] bool is(native_handle_type socket) const noexcept {
        return is_open() && native_ == static_cast<native_value>(socket);
    }

    /// Post: the descriptor is this object's to close.
    void assign(const Protocol& protocol, native_handle_type socket, error_code& ec) {
        if (is_open()) return already_open(ec);
        take_in(protocol, static_cast<native_value>(socket), ec);
    }
    void assign(const Protocol& protocol, native_handle_type socket) {
        error_code ec;
        assign(protocol, socket, ec);
        throw_if(ec, "assign");
    }

    /// Post: not open; operations that were under way end with operation_aborted, and no longer touch their buffers.
    void close(error_code& ec) {
        ec = {};
        if (!is_open()) return;
        loop().detach(std::exchange(attachment_, nullptr));
        close_native(std::exchange(native_, -1), said(ec));
    }
    void close() {
        error_code ec;
        close(ec);
        throw_if(ec, "close");
    }

    /// As close, but the descriptor is the caller's, and non-blocking.
    native_handle_type release(error_code& ec) {
        ec = {};
        if (!is_open()) return ec = asio::error::bad_descriptor, static_cast<native_handle_type>(-1);
        loop().detach(std::exchange(attachment_, nullptr));
        return static_cast<native_handle_type>(std::exchange(native_, -1));
    }
    native_handle_type release() {
        error_code ec;
        const auto handle = release(ec);
        throw_if(ec, "release");
        return handle;
    }

    /// Post: operations that were under way end with operation_aborted, unless their result was there first.
    void cancel(error_code& ec) {
        ec = {};
        if (!is_open())
            ec = asio::error::bad_descriptor;
        else
            loop().cancel_all(*attachment_);
    }
    void cancel() {
        error_code ec;
        cancel(ec);
        throw_if(ec, "cancel");
    }

protected:
    explicit socket_core(const Executor& executor) : executor_(executor) {}
    ~socket_core() {
        error_code ignored;
        close(ignored);
    }

    [[nodiscard]] event_loop& loop() const noexcept { return executor_.loop(); }
    [[nodiscard]] native_value native() const noexcept { return native_; }
    [[nodiscard]] bool is_nonblocking() const noexcept { return is_nonblocking_; }
    void make_nonblocking(bool mode) noexcept { is_nonblocking_ = mode; }
    void lend() noexcept { was_lent_ = true; }

    /// Starts an operation: Work(args...) lives in it, prepare(op, work) fills in what it asks for.
    template <class Work, class Signature, class Token, class Prepare, class... Args>
    auto initiate(Token&& token, Prepare prepare, Args&&... args) {
        return asio::async_initiate<Token, Signature>(initiate_operation<Work>{this}, token, std::move(prepare),
                                                      static_cast<Args&&>(args)...);
    }

    /// Starts an operation with many results.
    template <class Work, class Handler, class Prepare, class... Args>
    void begin_ongoing(Handler&& handler, Prepare prepare, Args&&... args) {
        using handler_type = std::decay_t<Handler>;
        static_assert(has_no_executor<handler_type>,
                      "a handler of many results is called on its io_context: post to another executor inside it");
        handler_type mine(static_cast<Handler&&>(handler));
        auto* const op = make_for<ongoing_operation<Work, handler_type>>(mine, loop(), loop(), std::move(mine),
                                                                         static_cast<Args&&>(args)...);
        prepare(*op, op->work);
        if (!is_open()) return loop().end_later(*op, -error_code(asio::error::bad_descriptor).value());
        op->listen_to_slot();
        op->socket = attachment_;
        loop().start(*op);
    }

private:
    friend struct io_access;
    template <class Work>
    struct initiate_operation {
        using executor_type = Executor;
        socket_core* self;
        [[nodiscard]] executor_type get_executor() const noexcept { return self->get_executor(); }

        template <class Handler, class Prepare, class... Args>
        void operator()(Handler&& handler, Prepare prepare, Args&&... args) const {
            event_loop& loop = self->loop();
            auto* const op = make_operation<Work>(loop, self->get_executor(), static_cast<Handler&&>(handler),
                                                  static_cast<Args&&>(args)...);
            prepare(*op, op->work);
            if (!self->is_open()) return loop.end_later(*op, -error_code(asio::error::bad_descriptor).value());
            op->listen_to_slot();
            op->socket = self->attachment_;
            if (has_nothing_to_do(op->work)) return loop.end_later(*op, 0);
            loop.start(*op);
        }
    };

    template <class Work>
    static bool has_nothing_to_do(const Work& work) noexcept {
        if constexpr (requires { work.is_empty(); }) return work.is_empty();
        return false;
    }
    static void already_open(error_code& ec) noexcept { ec = asio::error::already_open; }

    void take_in(const Protocol& protocol, native_value socket, error_code& ec, bool is_fresh = false) {
        attachment* const made = loop().attach(socket, protocol.type() == ASIO_OS_DEF(SOCK_DGRAM),
                                               protocol.family() == ASIO_OS_DEF(AF_INET6), ec, is_fresh);
        if (ec) ec = error_code(ec.value(), asio::error::get_system_category());
        if (ec) return;
        attachment_ = made;
        native_ = static_cast<std::int32_t>(socket);
        is_nonblocking_ = false;
        was_lent_ = true;
    }

    executor_on_loop<Executor> executor_;
    attachment* attachment_ = nullptr;
    std::int32_t native_ = -1;  // on Windows too no more than 32 bits of a socket's number count
    bool is_nonblocking_ = false;
    mutable bool was_lent_ = true;
};

}  // namespace berth::detail
