// Accepting until further notice: one operation, a call of the handler for each connection.
//
// The handler is shared between the operation and the calls that are on their way to another executor. It is called
// by one of them at a time only if that executor sees to it, as a loop's own does.
#pragma once

#include <berth/detail/handler_operation.hpp>
#include <berth/detail/native_calls.hpp>

#include <memory>
#include <utility>

namespace berth::detail {

/// Take(executor, descriptor, ec) makes of a descriptor what the handler gets.
template <class Handler, class Executor, class Take>
class accept_each_operation final : public operation {
    using taken =
        decltype(std::declval<Take&>()(std::declval<const Executor&>(), int(), std::declval<error_code&>()));
    using handler_executor = asio::associated_executor_t<Handler, Executor>;

public:
    accept_each_operation(event_loop& loop, const Executor& executor, std::shared_ptr<Handler> handler, Take take)
        : loop_(loop),
          io_executor_(executor),
          handler_(std::move(handler)),
          take_(std::move(take)),
          executor_(asio::prefer(asio::get_associated_executor(*handler_, executor),
                                 asio::execution::outstanding_work.tracked)) {
        what = verb::accept;
        many = true;
        on_result = [](operation& op, int result, bool more) {
            auto& self = static_cast<accept_each_operation&>(op);
            if (more) return self.deliver(result);
            self.end(error_of(result));  // what has many results ends with an error
        };
        destroy = [](operation& op) noexcept {
            auto& self = static_cast<accept_each_operation&>(op);
            self.forget_slot();
            self.free();
        };
    }

    void listen_to_slot() {
        auto slot = asio::get_associated_cancellation_slot(*handler_);
        has_slot_ = slot.is_connected();
        if (!has_slot_) return;
        slot.assign([this](asio::cancellation_type how) {
            if (how != asio::cancellation_type::none) loop_.cancel(*this);
        });
    }

private:
    struct call {
        std::shared_ptr<Handler> handler;
        void operator()(error_code ec, taken connection) const { (*handler)(ec, std::move(connection)); }
    };

    void deliver(int descriptor) {
        error_code ec;
        taken connection = take_(io_executor_, descriptor, ec);
        if (ec) {  // the next ones would fare no better
            failed_ = ec;
            return loop_.cancel(*this);
        }
        complete_on(at_once(), call{handler_}, ec, std::move(connection));
    }

    void end(error_code ec) {
        forget_slot();
        const auto executor = std::move(executor_);
        call last{std::move(handler_)};
        error_code nothing;
        taken none = take_(io_executor_, -1, nothing);
        if (failed_) ec = failed_;
        free();
        complete_on(executor, std::move(last), ec, std::move(none));
    }

    // The loop's own executor as complete_on knows it: a call from run() itself.
    auto at_once() const {
        if constexpr (is_loop_executor<handler_executor>) {
            return asio::get_associated_executor(*handler_, io_executor_);
        } else {
            return executor_;
        }
    }
    void forget_slot() noexcept {
        if (std::exchange(has_slot_, false)) asio::get_associated_cancellation_slot(*handler_).clear();
    }
    void free() noexcept {
        event_loop& loop = loop_;
        this->~accept_each_operation();
        loop.deallocate(this, sizeof(accept_each_operation));
    }

    event_loop& loop_;
    const Executor io_executor_;
    std::shared_ptr<Handler> handler_;
    Take take_;
    tracked_executor<handler_executor> executor_;
    error_code failed_;
    bool has_slot_ = false;
};

/// Ready to be started on an acceptor.
template <class Executor, class Handler, class Take>
auto* make_accept_each(event_loop& loop, const Executor& executor, Handler handler, Take take) {
    using type = accept_each_operation<Handler, Executor, Take>;
    auto shared = std::make_shared<Handler>(std::move(handler));
    void* const memory = loop.allocate(sizeof(type));
    type* op = nullptr;
    try {
        op = new (memory) type(loop, executor, std::move(shared), std::move(take));
        op->listen_to_slot();
    } catch (...) {
        if (op != nullptr) op->~type();
        loop.deallocate(memory, sizeof(type));
        throw;
    }
    return op;
}

}  // namespace berth::detail
