// An operation with many results: its handler is called for each, and once more, with an error, for the end.
//
// The handler is called straight from the loop that runs, on no other executor: what wants another posts there by
// itself. It may throw (run() does then, and the operation goes on), and may close or destroy its socket.
#pragma once

#include <berth/detail/handler_operation.hpp>
#include <berth/lent_buffer.hpp>

#include <utility>

namespace berth::detail {

template <class Handler>
inline constexpr bool has_no_executor =
    std::is_same_v<asio::associated_executor_t<Handler, io_context::executor_type>, io_context::executor_type>;

/// Work: `form`, the operation that it needs; `call(handler, op, completion, loop)` for a result, `end(handler, ec)`
/// for the end. Before that, if there is one, `was_closed()`: the socket is closed, so the end is operation_aborted.
template <class Work, class Handler>
class ongoing_operation final : public Work::form {
public:
    template <class... Args>
    ongoing_operation(event_loop& loop, Handler handler, Args&&... args)
        : work(static_cast<Args&&>(args)...), loop_(loop), handler_(std::move(handler)) {
        this->many = true;
        this->kind = &going_on;
    }

    /// Pre: it has not begun. On a throw it is destroyed.
    void listen_to_slot() {
        try {
            this->has_slot = cancel_by_slot(handler_, [this] { loop_.cancel(*this); });
        } catch (...) {
            on_destroy(*this);
            throw;
        }
    }

    [[no_unique_address]] Work work;

private:
    static void on_result(operation& op, const completion& c) {
        auto& self = static_cast<ongoing_operation&>(op);
        if (c.more) return self.work.call(self.handler_, self, c, self.loop_);
        self.forget_slot();
        const int result = c.result;
        if constexpr (requires { self.work.was_closed(); }) {
            if (self.socket == nullptr) self.work.was_closed();
        }
        auto last = std::move(self.work);
        Handler mine(self.free());
        last.end(mine, result == 0 ? error_code(asio::error::eof) : error_of(result));
    }
    static void on_destroy(operation& op) noexcept {
        auto& self = static_cast<ongoing_operation&>(op);
        self.forget_slot();
        Handler mine(self.free());
    }
    static constexpr operation_kind going_on{on_result, on_destroy};

    void forget_slot() noexcept {
        if (this->has_slot) asio::get_associated_cancellation_slot(handler_).clear();
    }
    Handler free() {
        Handler mine(std::move(handler_));
        auto allocator = allocator_for<ongoing_operation>(mine, loop_);
        this->~ongoing_operation();
        allocator.deallocate(this, 1);
        return mine;
    }

    event_loop& loop_;
    [[no_unique_address]] Handler handler_;
};

/// Bytes of a stream.
struct lending_work {
    using form = operation;
    template <class Handler>
    static void call(Handler& handler, operation&, const completion& c, event_loop& loop) {
        handler(error_code(), lent_buffer(loop, c.lent, c.lent_id));
    }
    template <class Handler>
    static void end(Handler& handler, const error_code& ec) {
        handler(ec, lent_buffer());
    }
};

}  // namespace berth::detail
