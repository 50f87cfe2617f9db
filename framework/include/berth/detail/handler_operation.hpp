// An operation with a completion handler: made for it, ended by it, its memory free before it is called.
//
// The handler's executor is kept busy (outstanding_work.tracked) until then. A handler whose executor is the loop's
// own is called straight from run(); any other gets it dispatched. What kind of operation it is says `Work`: its
// buffers, and how a result becomes the handler's arguments.
#pragma once

#include <berth/detail/loop_memory.hpp>
#include <berth/error.hpp>
#include <berth/io_context.hpp>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/prefer.hpp>

#include <tuple>
#include <type_traits>
#include <utility>

namespace berth::detail {

template <class Executor>
inline constexpr bool is_loop_executor = std::is_same_v<Executor, io_context::executor_type>;

/// Calls the handler where it wants to be called. Pre: on the loop.
template <class Executor, class Handler, class... Args>
void complete_on(const Executor& executor, Handler handler, Args... args) {
    if constexpr (is_loop_executor<Executor>) {
        if (executor.running_in_this_thread()) return static_cast<void>(std::move(handler)(std::move(args)...));
    }
    asio::dispatch(executor, [handler = std::move(handler), args = std::make_tuple(std::move(args)...)]() mutable {
        std::apply(std::move(handler), std::move(args));
    });
}

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

template <class Executor>
using tracked_executor =
    std::decay_t<decltype(asio::prefer(std::declval<const Executor&>(), asio::execution::outstanding_work.tracked))>;

template <class Work, class Handler, class IoExecutor>
class handler_operation final : public operation {
public:
    using handler_executor = asio::associated_executor_t<Handler, IoExecutor>;

    template <class... Args>
    handler_operation(event_loop& loop, const IoExecutor& io_executor, Handler handler, Args&&... args)
        : work(static_cast<Args&&>(args)...),
          loop_(loop),
          handler_(std::move(handler)),
          executor_(asio::get_associated_executor(handler_, io_executor)),
          tracked_(executor_) {
        on_result = [](operation& op, int result, bool) {
            auto& self = static_cast<handler_operation&>(op);
            self.forget_slot();
            auto arguments = self.work.arguments(op, result);
            auto executor = std::move(self.executor_);
            [[maybe_unused]] const auto still_tracked = std::move(self.tracked_);
            Handler mine(self.free());
            std::apply([&](auto&&... a) { complete_on(executor, std::move(mine), std::move(a)...); },
                       std::move(arguments));
        };
        destroy = [](operation& op) noexcept {
            auto& self = static_cast<handler_operation&>(op);
            self.forget_slot();
            [[maybe_unused]] const auto still_tracked = std::move(self.tracked_);
            Handler mine(self.free());
        };
    }

    /// Cancellation of this operation alone. Called in the handler's executor, which serialises with the loop.
    void listen_to_slot() {
        if constexpr (requires { work.cancel(*this); }) {
            has_slot_ = cancel_by_slot(handler_, [this] { work.cancel(*this); });
        } else {
            has_slot_ = cancel_by_slot(handler_, [this] { loop_.cancel(*this); });
        }
    }

    Work work;

private:
    void forget_slot() noexcept {
        if (has_slot_) asio::get_associated_cancellation_slot(handler_).clear();
    }
    Handler free() {
        Handler mine(std::move(handler_));
        auto allocator = allocator_for<handler_operation>(mine, loop_);
        this->~handler_operation();
        allocator.deallocate(this, 1);
        return mine;
    }

    // Work that only another executor needs to hear of: on the loop's own the operation itself counts.
    struct no_work {
        explicit no_work(const handler_executor&) noexcept {}
    };
    struct kept_work {
        explicit kept_work(const handler_executor& e)
            : executor(asio::prefer(e, asio::execution::outstanding_work.tracked)) {}
        tracked_executor<handler_executor> executor;
    };

    event_loop& loop_;
    Handler handler_;
    handler_executor executor_;
    std::conditional_t<is_loop_executor<handler_executor>, no_work, kept_work> tracked_;
    bool has_slot_ = false;
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
