// An operation with a time limit: its real handler, and the clock that cancels it.
//
// The handler that the operation has in the real one's stead owns it; while the operation is begun on a thread that
// does not run the loop, that thread has a share. The clock runs on the loop; what it does, a signal to the
// operation, is done where the handler lives. Nothing is destroyed before the loop has let go of the clock.
#pragma once

#include <berth/detail/handler_place.hpp>
#include <berth/detail/loop_memory.hpp>

#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/dispatch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <type_traits>
#include <utility>

namespace berth::detail {

template <class Handler, class IoExecutor>
class timed_operation final : public timer_node {
public:
    using executor_type = asio::associated_executor_t<Handler, IoExecutor>;
    using clock = event_loop::clock;

    static timed_operation* make(event_loop& loop, const IoExecutor& executor, Handler handler,
                                 asio::cancellation_type how) {
        allocator_type allocator = allocator_for<timed_operation>(handler, loop);
        timed_operation* const memory = allocator.allocate(1);
        try {
            return new (memory) timed_operation(loop, executor, allocator, std::move(handler), how);
        } catch (...) {
            allocator.deallocate(memory, 1);
            throw;
        }
    }
    timed_operation(const timed_operation&) = delete;
    timed_operation& operator=(const timed_operation&) = delete;

    /// Nobody else runs the loop until the operation is begun.
    [[nodiscard]] bool is_alone() const noexcept { return loop_.is_here(); }
    void add_share() noexcept { shares_.fetch_add(1, std::memory_order_relaxed); }
    void drop_share() noexcept {
        if (shares_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        auto allocator = allocator_;
        this->~timed_operation();
        allocator.deallocate(this, 1);
    }

    void start_clock(clock::time_point when) {
        if (auto slot = asio::get_associated_cancellation_slot(handler_); slot.is_connected())
            slot.assign([this](asio::cancellation_type type) { signal_.emit(type); });
        due = when;
        is_waiting_.store(true, std::memory_order_release);
        try {
            loop_.add(*this);
        } catch (...) {
            is_waiting_.store(false, std::memory_order_release);
            throw;
        }
    }
    /// The operation hears signals, or is over.
    void has_begun() noexcept { has_begun_.store(true, std::memory_order_release); }

    /// Post: there will be no signal, and what is left of this is its memory. The real handler.
    Handler end() {
        if (auto slot = asio::get_associated_cancellation_slot(handler_); slot.is_connected()) slot.clear();
        if (is_waiting_.load(std::memory_order_acquire)) loop_.remove(*this);
        if (late_) *late_ = nullptr;
        return std::move(handler_);
    }

    [[nodiscard]] const executor_type& executor() const noexcept { return executor_; }
    [[nodiscard]] asio::cancellation_slot slot() noexcept { return signal_.slot(); }
    [[nodiscard]] const Handler& handler() const noexcept { return handler_; }

private:
    using allocator_type =
        decltype(allocator_for<timed_operation>(std::declval<const Handler&>(), std::declval<event_loop&>()));

    timed_operation(event_loop& loop, const IoExecutor& executor, const allocator_type& allocator, Handler handler,
                    asio::cancellation_type how)
        : loop_(loop),
          how_(how),
          allocator_(allocator),
          executor_(asio::get_associated_executor(handler, executor)),
          handler_(std::move(handler)) {
        run = [](ready_node& node, bool invoke) {
            auto& self = static_cast<timed_operation&>(node);
            event_loop& here = self.loop_;
            if (invoke && !self.has_begun_.load(std::memory_order_acquire)) {  // another thread is at it
                self.due = clock::now() + std::chrono::milliseconds(1);
                here.add(self);
                return here.was_no_handler();
            }
            {
                const last_word waits_no_more{self.is_waiting_};
                if (invoke) self.expire();
            }
            here.was_no_handler();
        };
    }

    /// Until it is said, who ends the operation on another thread waits for this turn of the loop to end.
    struct last_word {
        std::atomic<bool>& is_waiting;
        ~last_word() { is_waiting.store(false, std::memory_order_release); }
    };

    void expire() {
        if (is_of_loop(executor_, loop_)) return signal_.emit(how_);
        late_ = std::make_shared<timed_operation*>(this);
        asio::dispatch(executor_, [late = late_] {
            if (*late != nullptr) (*late)->signal_.emit((*late)->how_);
        });
    }

    event_loop& loop_;
    asio::cancellation_signal signal_;
    const asio::cancellation_type how_;
    std::atomic<int> shares_{1};
    std::atomic<bool> is_waiting_{false};
    std::atomic<bool> has_begun_{false};
    std::shared_ptr<timed_operation*> late_;  // for what was dispatched to another executor, where it is changed too
    allocator_type allocator_;
    executor_type executor_;
    Handler handler_;
};

struct no_allocator {};

/// In the place of the real handler, whose executor and allocator it has. The allocator also after it was moved from:
/// Asio 1.22 asks then, where the compiler makes the arguments of a call from the last to the first (g++).
template <class Handler, class IoExecutor>
class timed_handler {
    using operation_type = timed_operation<Handler, IoExecutor>;
    using own_allocator = asio::associated_allocator_t<Handler, no_allocator>;

public:
    using executor_type = typename operation_type::executor_type;
    using cancellation_slot_type = asio::cancellation_slot;

    explicit timed_handler(operation_type* op) noexcept
        : op_(op), allocator_(asio::get_associated_allocator(op->handler(), no_allocator())) {}

    [[nodiscard]] executor_type get_executor() const noexcept { return op_->executor(); }
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return op_->slot(); }
    template <class Otherwise>
    [[nodiscard]] asio::associated_allocator_t<Handler, Otherwise> allocator(const Otherwise& otherwise) const noexcept {
        if constexpr (std::is_same_v<own_allocator, no_allocator>) {
            return otherwise;
        } else {
            return allocator_;
        }
    }

    template <class... Args>
    void operator()(Args&&... args) {
        operation_type* const op = op_.release();
        Handler mine(op->end());
        op->drop_share();  // its memory goes back first
        std::move(mine)(static_cast<Args&&>(args)...);
    }

private:
    struct let_go {
        void operator()(operation_type* op) const noexcept {
            const Handler unheard(op->end());
            op->drop_share();
        }
    };
    std::unique_ptr<operation_type, let_go> op_;
    [[no_unique_address]] own_allocator allocator_;
};

/// From the start of the clock to the end of the initiation.
template <class Operation>
class timed_beginning {
public:
    timed_beginning(Operation& op, typename Operation::clock::time_point due) : op_(op.is_alone() ? nullptr : &op) {
        if (op_ != nullptr)
            op_->add_share();
        else
            op.has_begun();
        try {
            op.start_clock(due);
        } catch (...) {
            end();
            throw;
        }
    }
    timed_beginning(const timed_beginning&) = delete;
    timed_beginning& operator=(const timed_beginning&) = delete;
    ~timed_beginning() { end(); }

private:
    void end() noexcept {
        if (op_ == nullptr) return;
        op_->has_begun();
        op_->drop_share();
    }
    Operation* op_;
};

}  // namespace berth::detail

template <class Handler, class IoExecutor, class Otherwise>
struct asio::associated_allocator<berth::detail::timed_handler<Handler, IoExecutor>, Otherwise> {
    using type = asio::associated_allocator_t<Handler, Otherwise>;
    static type get(const berth::detail::timed_handler<Handler, IoExecutor>& h,
                    const Otherwise& otherwise = Otherwise()) noexcept {
        return h.allocator(otherwise);
    }
};
