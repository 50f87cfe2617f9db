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

/// Work: `call(handler, op, result, loop)` for a result, `end(handler, ec)` for the end.
template <class Work, class Handler>
class ongoing_operation final : public operation {
public:
    template <class... Args>
    ongoing_operation(event_loop& loop, Handler handler, Args&&... args)
        : work(static_cast<Args&&>(args)...), loop_(loop), handler_(std::move(handler)) {
        many = true;
        on_result = [](operation& op, int result, bool more) {
            auto& self = static_cast<ongoing_operation&>(op);
            if (more) return self.work.call(self.handler_, op, result, self.loop_);
            self.forget_slot();
            auto last = std::move(self.work);
            Handler mine(self.free());
            last.end(mine, result == 0 ? error_code(asio::error::eof) : error_of(result));
        };
        destroy = [](operation& op) noexcept {
            auto& self = static_cast<ongoing_operation&>(op);
            self.forget_slot();
            Handler mine(self.free());
        };
    }

    void listen_to_slot() { has_slot_ = cancel_by_slot(handler_, [this] { loop_.cancel(*this); }); }

    Work work;

private:
    void forget_slot() noexcept {
        if (has_slot_) asio::get_associated_cancellation_slot(handler_).clear();
    }
    Handler free() {
        Handler mine(std::move(handler_));
        auto allocator = allocator_for<ongoing_operation>(mine, loop_);
        this->~ongoing_operation();
        allocator.deallocate(this, 1);
        return mine;
    }

    event_loop& loop_;
    Handler handler_;
    bool has_slot_ = false;
};

/// Bytes of a stream.
struct lending_work {
    template <class Handler>
    static void call(Handler& handler, operation& op, int, event_loop& loop) {
        handler(error_code(), lent_buffer(loop, op.lent, op.lent_id));
    }
    template <class Handler>
    static void end(Handler& handler, const error_code& ec) {
        handler(ec, lent_buffer());
    }
};

}  // namespace berth::detail
