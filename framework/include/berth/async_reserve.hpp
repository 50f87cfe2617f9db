// port_reservation::async_reserve: the steps of a reserve as turns on an executor, and the operation around them.
//
// Invariant: one function on the executor or one completion on the handler's owns the whole operation; or, while the
// system takes its time, the context does (sleeping_reserves.hpp). Whoever destroys that one, a context that ends or a
// cancelled strand, lets go of all that is held. There is no thread of it.
// The steps run on the executor that was named, also if the handler has another one: it is there that they may take
// their time.
#pragma once

#include <berth/detail/reserve_turns.hpp>
#include <berth/detail/sleeping_reserves.hpp>
#include <berth/io_context.hpp>
#include <berth/port_reservation.hpp>

#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/execution.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/query.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace berth::detail {

/// The loop behind an executor; nullptr: none of berth's.
template <class Executor>
event_loop* loop_behind(const Executor& executor) {
    asio::execution_context& context = asio::query(executor, asio::execution::context);
    return asio::has_service<loop_service>(context) ? asio::use_service<loop_service>(context).loop : nullptr;
}

template <class Executor, class Handler>
class reserve_operation final : public sleeping_reserve {
    using handler_executor = asio::associated_executor_t<Handler, Executor>;
    using tracked = std::decay_t<decltype(asio::prefer(std::declval<const Executor&>(),
                                                       asio::execution::outstanding_work.tracked))>;
    using handler_tracked = std::decay_t<decltype(asio::prefer(std::declval<const handler_executor&>(),
                                                               asio::execution::outstanding_work.tracked))>;
    struct free_it {
        void operator()(reserve_operation* op) const noexcept { op->free(); }
    };
    using pointer = std::unique_ptr<reserve_operation, free_it>;

public:
    static void begin(const Executor& executor, const reservation_request& request, failure* why, Handler handler) {
        auto allocator = allocator_of(handler);
        reserve_operation* const memory = allocator.allocate(1);
        pointer op;
        try {
            op.reset(new (memory) reserve_operation(executor, request, why, std::move(handler)));
        } catch (...) {
            allocator.deallocate(memory, 1);
            throw;
        }
        op->listen_to_slot();
        go_on(std::move(op));
    }

private:
    reserve_operation(const Executor& executor, const reservation_request& request, failure* why, Handler handler)
        : turns_(request, this),
          why_(why),
          handler_(std::move(handler)),
          executor_(asio::prefer(executor, asio::execution::outstanding_work.tracked)),
          handler_executor_(asio::prefer(asio::get_associated_executor(handler_, executor),
                                         asio::execution::outstanding_work.tracked)),
          loop_(loop_behind(executor)) {}

    static auto allocator_of(const Handler& handler) noexcept {
        auto associated = asio::get_associated_allocator(handler);
        using type = typename std::allocator_traits<decltype(associated)>::template rebind_alloc<reserve_operation>;
        return type(associated);
    }

    // Its own end, or that of the queue that held it.
    void free() noexcept {
        forget_slot();
        Handler mine(std::move(handler_));
        auto allocator = allocator_of(mine);
        this->~reserve_operation();
        allocator.deallocate(this, 1);
    }

    void listen_to_slot() {
        auto slot = asio::get_associated_cancellation_slot(handler_);
        has_slot_ = slot.is_connected();
        if (!has_slot_) return;
        slot.assign([this](asio::cancellation_type how) {
            if (how == asio::cancellation_type::none) return;
            turns_.cancel();
            wake();
        });
    }
    void forget_slot() noexcept {
        if (std::exchange(has_slot_, false)) asio::get_associated_cancellation_slot(handler_).clear();
    }

    static void go_on(pointer op) {
        const auto executor = op->executor_;
        asio::post(executor, [op = std::move(op)]() mutable { take_turn(std::move(op)); });
    }

    static void take_turn(pointer op) {
        if (op->loop_ != nullptr) op->loop_->look_soon();  // who waits for I/O or a time is not to wait longer
        op->stay_awake();
        if (!op->turns_.turn()) return end(std::move(op));
        if (op->turns_.is_waiting() && op->fall_asleep(asio::query(op->executor_, asio::execution::context))) {
            static_cast<void>(op.release());
            return;
        }
        go_on(std::move(op));
    }

    /// What a sleeping operation posts.
    struct woken {
        explicit woken(reserve_operation& of) noexcept : op(&of) {}
        woken(woken&& other) noexcept : op(std::exchange(other.op, nullptr)) {}
        woken& operator=(woken&&) = delete;
        ~woken() {
            if (op != nullptr && op->is_posted()) op->free();
        }
        void operator()() {
            pointer mine(std::exchange(op, nullptr));
            mine->get_up();
            take_turn(std::move(mine));
        }
        reserve_operation* op;
    };
    void post_itself() override {
        const auto executor = executor_;  // it may end meanwhile
        asio::post(executor, woken(*this));
    }
    void end_itself() noexcept override { free(); }

    static void end(pointer op) {
        const auto executor = op->handler_executor_;
        asio::dispatch(executor, [op = std::move(op)]() mutable {
            op->forget_slot();
            failure f;
            auto made = op->turns_.result(f);
            if (f.code == errc::operation_aborted) f.code = asio::error::operation_aborted;
            const error_code ec = f.code;
            if (op->why_ != nullptr) *op->why_ = std::move(f);
            [[maybe_unused]] const auto still_tracked = op->handler_executor_;
            Handler mine(std::move(op->handler_));
            // Freed before the handler is called, by the allocator that came with it.
            auto allocator = allocator_of(mine);
            reserve_operation* const memory = op.release();
            memory->~reserve_operation();
            allocator.deallocate(memory, 1);
            std::move(mine)(ec, std::move(made));
        });
    }

    reserve_turns turns_;
    failure* why_;
    Handler handler_;
    tracked executor_;
    handler_tracked handler_executor_;
    event_loop* loop_;
    bool has_slot_ = false;
};

template <class Executor>
struct initiate_reserve {
    using executor_type = Executor;
    Executor executor;
    [[nodiscard]] executor_type get_executor() const noexcept { return executor; }

    template <class Handler>
    void operator()(Handler&& handler, const reservation_request& request, failure* why) const {
        reserve_operation<Executor, std::decay_t<Handler>>::begin(executor, request, why,
                                                                  static_cast<Handler&&>(handler));
    }
};

template <class Where>
auto executor_of(Where& where) {
    if constexpr (std::is_convertible_v<Where&, asio::execution_context&>) {
        return where.get_executor();
    } else {
        return std::decay_t<Where>(where);
    }
}

}  // namespace berth::detail

namespace berth::inline v0_1 {

template <class Where, class Token>
auto port_reservation::async_reserve(Where&& where, const reservation_request& request, Token&& token) {
    using executor = decltype(detail::executor_of(where));
    return asio::async_initiate<Token, void(error_code, port_reservation)>(
        detail::initiate_reserve<executor>{detail::executor_of(where)}, token, request, nullptr);
}

template <class Where, class Token>
auto port_reservation::async_reserve(Where&& where, const reservation_request& request, failure& why, Token&& token) {
    using executor = decltype(detail::executor_of(where));
    return asio::async_initiate<Token, void(error_code, port_reservation)>(
        detail::initiate_reserve<executor>{detail::executor_of(where)}, token, request, &why);
}

}  // namespace berth::v0_1
