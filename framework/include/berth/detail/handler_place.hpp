// Where a handler is called, and the work that keeps its executor busy until then.
//
// On the loop's own executor an operation under way is work by itself, and its handler is called straight from run();
// so it is behind a type-erased executor too, as coroutines have it. Any other gets work, and the handler dispatched.
#pragma once

#include <berth/io_context.hpp>

#include <asio/dispatch.hpp>
#include <asio/execution.hpp>
#include <asio/prefer.hpp>

#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace berth::detail {

template <class Executor>
using tracked_executor =
    std::decay_t<decltype(asio::prefer(std::declval<const Executor&>(), asio::execution::outstanding_work.tracked))>;

template <class Executor>
bool is_of_loop(const Executor& executor, const event_loop& loop) noexcept {
    using own = io_context::executor_type;
    if constexpr (std::is_same_v<Executor, own>) {
        return &executor.context().loop() == &loop;
    } else if constexpr (requires { executor.template target<own>(); }) {
        const own* const inside = executor.template target<own>();
        return inside != nullptr && &inside->context().loop() == &loop;
    } else {
        return false;
    }
}

template <class Executor>
class handler_place {
public:
    handler_place(const Executor& executor, const event_loop& loop) {
        if (!is_of_loop(executor, loop))
            elsewhere_.emplace(asio::prefer(executor, asio::execution::outstanding_work.tracked));
    }
    handler_place(handler_place&& other) noexcept : elsewhere_(std::exchange(other.elsewhere_, std::nullopt)) {}
    handler_place& operator=(handler_place&&) = delete;

    /// The loop calls it itself.
    [[nodiscard]] bool is_here() const noexcept { return !elsewhere_; }

    /// Pre: inside run() or poll() of the loop that it was made for.
    template <class Handler, class... Args>
    void call(Handler handler, Args... args) const {
        if (!elsewhere_) return static_cast<void>(std::move(handler)(std::move(args)...));
        asio::dispatch(*elsewhere_,
                       [handler = std::move(handler), args = std::make_tuple(std::move(args)...)]() mutable {
                           std::apply(std::move(handler), std::move(args));
                       });
    }

private:
    std::optional<tracked_executor<Executor>> elsewhere_;
};

}  // namespace berth::detail
