// A timer on a berth::io_context: asio::steady_timer's interface over the loop's own heap.
//
// Destroying it ends its waits with operation_aborted. Not for concurrent use; a thread other than the running one is
// made to wait until the loop did what it asked for.
#pragma once

#include <berth/detail/handler_operation.hpp>

#include <asio/async_result.hpp>
#include <asio/system_error.hpp>

#include <chrono>
#include <memory>
#include <thread>

namespace berth::detail {

/// A wait may outlive its timer.
template <class Handler, class IoExecutor>
class handler_wait final : public timer_node {
public:
    using handler_executor = asio::associated_executor_t<Handler, IoExecutor>;

    handler_wait(event_loop& loop, const IoExecutor& io_executor, Handler handler)
        : loop_(loop),
          handler_(std::move(handler)),
          place_(asio::get_associated_executor(handler_, io_executor), loop) {
        run = [](ready_node& node, bool invoke) {
            auto& self = static_cast<handler_wait&>(node);
            self.leave();
            self.slot_.forget(self.handler_);
            const error_code ec = self.is_cancelled ? error_code(asio::error::operation_aborted) : error_code();
            const auto where = std::move(self.place_);
            Handler mine(std::move(self.handler_));
            auto allocator = allocator_for<handler_wait>(mine, self.loop_);
            self.~handler_wait();
            allocator.deallocate(&self, 1);
            if (invoke) where.call(std::move(mine), ec);
        };
    }

    void listen_to_slot() {
        slot_.listen(handler_, loop_, place_.is_here(), [this] { loop_.cancel(*this); });
    }

private:
    event_loop& loop_;
    Handler handler_;
    handler_place<handler_executor> place_;
    slot_link slot_;
};

}  // namespace berth::detail

namespace berth::inline v0_1 {

template <class Executor = io_context::executor_type>
class basic_steady_timer {
public:
    using executor_type = Executor;
    using clock_type = std::chrono::steady_clock;
    using duration = clock_type::duration;
    using time_point = clock_type::time_point;
    template <class Other>
    struct rebind_executor {
        using other = basic_steady_timer<Other>;
    };

    explicit basic_steady_timer(const Executor& executor)
        : executor_(executor),
          loop_(&detail::loop_of(executor)),
          waits_(std::make_unique<detail::timer_list>()) {}
    explicit basic_steady_timer(io_context& context) : basic_steady_timer(Executor(context.get_executor())) {}
    template <class Where>
    basic_steady_timer(Where&& where, time_point expiry) : basic_steady_timer(static_cast<Where&&>(where)) {
        expiry_ = expiry;
    }
    template <class Where>
    basic_steady_timer(Where&& where, duration expiry) : basic_steady_timer(static_cast<Where&&>(where)) {
        expires_after(expiry);
    }
    basic_steady_timer(basic_steady_timer&&) noexcept = default;
    basic_steady_timer& operator=(basic_steady_timer&& other) noexcept {
        if (this != &other) {
            cancel();
            executor_ = std::move(other.executor_);
            loop_ = other.loop_;
            expiry_ = other.expiry_;
            std::swap(waits_, other.waits_);
        }
        return *this;
    }
    ~basic_steady_timer() { cancel(); }

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }
    [[nodiscard]] time_point expiry() const noexcept { return expiry_; }

    /// Sets the expiry. Post: waits that were under way end with operation_aborted. Returns how many.
    std::size_t expires_at(time_point expiry) {
        const std::size_t cancelled = cancel();
        expiry_ = expiry;
        return cancelled;
    }
    std::size_t expires_after(duration expiry) { return expires_at(clock_type::now() + expiry); }

    /// Post: waits that have not expired end with operation_aborted, in the order of their starts; cancel_one: the
    /// first of them. Returns how many.
    std::size_t cancel() noexcept { return cancel_some(~std::size_t{0}); }
    std::size_t cancel_one() noexcept { return cancel_some(1); }

    /// Completion signature void(error_code).
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_wait(Token&& token = asio::default_completion_token_t<executor_type>()) {
        return asio::async_initiate<Token, void(error_code)>(initiate_wait{this}, token);
    }

    /// Blocks the thread.
    void wait() { std::this_thread::sleep_until(expiry_); }

private:
    struct initiate_wait {
        using executor_type = Executor;
        basic_steady_timer* timer;
        [[nodiscard]] executor_type get_executor() const noexcept { return timer->executor_; }

        template <class Handler>
        void operator()(Handler&& handler) const {
            using type = detail::handler_wait<std::decay_t<Handler>, Executor>;
            detail::event_loop& loop = *timer->loop_;
            if (!timer->waits_) timer->waits_ = std::make_unique<detail::timer_list>();  // it was moved from
            type* const wait =
                detail::make_for<type>(handler, loop, loop, timer->executor_, static_cast<Handler&&>(handler));
            wait->due = timer->expiry_;
            try {
                wait->listen_to_slot();
                loop.add(*wait, *timer->waits_);
            } catch (...) {
                wait->run(*wait, false);
                throw;
            }
        }
    };

    std::size_t cancel_some(std::size_t most) noexcept { return waits_ ? loop_->cancel(*waits_, most) : 0; }

    Executor executor_;
    detail::event_loop* loop_;
    time_point expiry_{};
    std::unique_ptr<detail::timer_list> waits_;
};

using steady_timer = basic_steady_timer<>;

}  // namespace berth::v0_1
