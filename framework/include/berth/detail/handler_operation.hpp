// An operation with a completion handler: made for it, ended by it, its memory free before it is called.
//
// Where it is called says handler_place. What kind of operation it is says `Work`: its buffers, which form of an operation
// they need, and how a result becomes the handler's arguments.
#pragma once

#include <berth/detail/handler_place.hpp>
#include <berth/detail/loop_memory.hpp>
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

/// Calls `cancel` when the handler's slot is told to. False: it has none.
template <class Handler, class Cancel>
bool cancel_by_slot(const Handler& handler, Cancel cancel) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (!slot.is_connected()) return false;
    slot.assign([cancel](asio::cancellation_type type) {
        constexpr auto any =
            asio::cancellation_type::terminal | asio::cancellation_type::partial | asio::cancellation_type::total;
        if ((type & any) != asio::cancellation_type::none) cancel();
    });
    return true;
}

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

    /// Cancellation of this operation alone. Called in the handler's executor, which serialises with the loop.
    void listen_to_slot() {
        if constexpr (requires { work.cancel(*this); }) {
            this->has_slot = cancel_by_slot(handler_, [this] { work.cancel(*this); });
        } else {
            this->has_slot = cancel_by_slot(handler_, [this] { loop_.cancel(*this); });
        }
    }

    Work work;

private:
    static void on_result(operation& op, const completion& c) {
        auto& self = static_cast<handler_operation&>(op);
        self.forget_slot();
        auto arguments = self.work.arguments(self, c.result);
        const auto where = std::move(self.place_);
        Handler mine(self.free());
        std::apply([&](auto&&... a) { where.call(std::move(mine), std::move(a)...); }, std::move(arguments));
    }
    static void on_destroy(operation& op) noexcept {
        auto& self = static_cast<handler_operation&>(op);
        self.forget_slot();
        [[maybe_unused]] const auto still_busy = std::move(self.place_);
        Handler mine(self.free());
    }
    static constexpr operation_kind completing{on_result, on_destroy};

    void forget_slot() noexcept {
        if (this->has_slot) asio::get_associated_cancellation_slot(handler_).clear();
    }
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
};

/// Makes an operation; the caller fills in what it asks for, and begins it.
template <class Work, class Handler, class IoExecutor, class... Args>
auto* make_operation(event_loop& loop, const IoExecutor& io_executor, Handler& handler, Args&&... args) {
    using type = handler_operation<Work, std::decay_t<Handler>, IoExecutor>;
    auto allocator = allocator_for<type>(handler, loop);
    type* const memory = allocator.allocate(1);
    try {
        return new (memory) type(loop, io_executor, std::move(handler), static_cast<Args&&>(args)...);
    } catch (...) {
        allocator.deallocate(memory, 1);
        throw;
    }
}

/// A result below zero as the error it is.
inline error_code error_of(int result) noexcept { return {-result, asio::error::get_system_category()}; }

}  // namespace berth::detail
