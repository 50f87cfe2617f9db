// An operation with a completion handler: made for it, ended by it, its memory free before it is called.
//
// Where it is called says handler_place. What kind of operation it is says `Work`: its buffers, which form of an
// operation they need, and how a result becomes the handler's arguments.
#pragma once

#include <berth/detail/handler_place.hpp>
#include <berth/detail/loop_memory.hpp>
#include <berth/detail/slot_link.hpp>
#include <berth/error.hpp>
#include <berth/io_context.hpp>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/error.hpp>

#include <tuple>
#include <type_traits>
#include <utility>

namespace berth::detail {

template <class Work, class Handler, class IoExecutor>
class handler_operation final : public Work::form {
public:
    using handler_executor = asio::associated_executor_t<Handler, IoExecutor>;

    template <class... Args>
    handler_operation(event_loop& loop, const IoExecutor& io_executor, Handler handler, Args&&... args)
        : work(static_cast<Args&&>(args)...),
          loop_(loop),
          handler_(std::move(handler)),
          place_(asio::get_associated_executor(handler_, io_executor), loop) {
        this->kind = &completing;
    }

    /// Cancellation of this operation alone. Pre: it has not begun. On a throw it is destroyed.
    void listen_to_slot() {
        try {
            if constexpr (requires { work.cancel(*this); }) {
                slot_.listen(handler_, loop_, place_.is_here(), [this] { work.cancel(*this); });
            } else {
                slot_.listen(handler_, loop_, place_.is_here(), [this] { loop_.cancel(*this); });
            }
        } catch (...) {
            on_destroy(*this);
            throw;
        }
    }

    Work work;

private:
    static void on_result(operation& op, const completion& c) {
        auto& self = static_cast<handler_operation&>(op);
        self.slot_.forget(self.handler_);
        auto arguments = self.work.arguments(self, c.result);
        const auto where = std::move(self.place_);
        Handler mine(self.free());
        std::apply([&](auto&&... a) { where.call(std::move(mine), std::move(a)...); }, std::move(arguments));
    }
    static void on_destroy(operation& op) noexcept {
        auto& self = static_cast<handler_operation&>(op);
        self.slot_.forget(self.handler_);
        [[maybe_unused]] const auto still_busy = std::move(self.place_);
        Handler mine(self.free());
    }
    static constexpr operation_kind completing{on_result, on_destroy};

    Handler free() {
        Handler mine(std::move(handler_));
        auto allocator = allocator_for<handler_operation>(mine, loop_);
        this->~handler_operation();
        allocator.deallocate(this, 1);
        return mine;
    }

    event_loop& loop_;
    Handler handler_;
    handler_place<handler_executor> place_;
    slot_link slot_;
};

/// Makes an operation; the caller fills in what it asks for, and begins it. A handler that is an lvalue is copied.
template <class Work, class Handler, class IoExecutor, class... Args>
auto* make_operation(event_loop& loop, const IoExecutor& io_executor, Handler&& handler, Args&&... args) {
    using type = handler_operation<Work, std::decay_t<Handler>, IoExecutor>;
    auto allocator = allocator_for<type>(handler, loop);
    type* const memory = allocator.allocate(1);
    try {
        return new (memory) type(loop, io_executor, static_cast<Handler&&>(handler), static_cast<Args&&>(args)...);
    } catch (...) {
        allocator.deallocate(memory, 1);
        throw;
    }
}

/// A result below zero as the error it is.
inline error_code error_of(int result) noexcept { return {-result, asio::error::get_system_category()}; }

}  // namespace berth::detail
