// Time limits of single operations: completion tokens that cancel what has not ended in time.
//
//     std::size_t n = co_await asio::async_read(socket, buffer, berth::cancel_after(2s, asio::use_awaitable));
//
// As asio::cancel_after and asio::cancel_at, which Asio has from 1.30 on.
#pragma once

#include <berth/detail/timed_operation.hpp>

#include <asio/async_result.hpp>

#include <type_traits>
#include <utility>

namespace berth::detail {

struct limit_after {
    event_loop::clock::duration time;
    [[nodiscard]] event_loop::clock::time_point due() const noexcept {
        const auto now = event_loop::clock::now();
        return time < event_loop::clock::time_point::max() - now ? now + time : event_loop::clock::time_point::max();
    }
};

struct limit_at {
    event_loop::clock::time_point time;
    [[nodiscard]] event_loop::clock::time_point due() const noexcept { return time; }
};

/// What cancel_after and cancel_at return.
template <class Token, class Limit>
struct limited_token {
    Token token;
    Limit limit;
    asio::cancellation_type how;
};

/// Starts the clock, then the operation.
template <class Initiation, class Limit>
struct limited_initiation {
    Initiation initiation;
    Limit limit;
    asio::cancellation_type how;

    template <class Handler, class... Args>
    void operator()(Handler&& handler, Args&&... args) {
        auto executor = executor_for(handler);
        using handler_type = std::decay_t<Handler>;
        using operation_type = timed_operation<handler_type, decltype(executor)>;
        auto* const op = operation_type::make(loop_of(executor), executor, static_cast<Handler&&>(handler), how);
        timed_handler<handler_type, decltype(executor)> limited(op);
        const timed_beginning<operation_type> now(*op, limit.due());
        std::move(initiation)(std::move(limited), static_cast<Args&&>(args)...);
    }

private:
    template <class Handler>
    auto executor_for(const Handler& handler) const {
        if constexpr (requires { initiation.get_executor(); }) {
            return initiation.get_executor();
        } else {
            return asio::get_associated_executor(handler);
        }
    }
};

}  // namespace berth::detail

namespace berth::inline v0_1 {

/// A token: as `token`, and `duration` after the operation was begun it gets `how` through its cancellation slot, if
/// it has not ended. It ends as it does when it is cancelled, most with asio::error::operation_aborted; what was
/// transferred until then is reported. Its socket stays open, and a limit does not keep run() busy once the operation
/// has ended. `token`'s own cancellation slot goes on to work.
///
/// For every operation, composed ones too, whose I/O object has an executor of a berth::io_context; else begins
/// nothing and throws std::system_error (invalid_argument). Other adapters go inside: cancel_after(2s,
/// as_tuple(token)). Each limit under way costs its place in a heap, no timer of the system's. A negative or zero
/// duration: cancelled at once.
template <class Token>
auto cancel_after(detail::event_loop::clock::duration duration, Token&& token,
                  asio::cancellation_type how = asio::cancellation_type::terminal) {
    return detail::limited_token<std::decay_t<Token>, detail::limit_after>{
        static_cast<Token&&>(token), {duration}, how};
}

/// As cancel_after, with a point in time of std::chrono::steady_clock.
template <class Token>
auto cancel_at(detail::event_loop::clock::time_point time, Token&& token,
               asio::cancellation_type how = asio::cancellation_type::terminal) {
    return detail::limited_token<std::decay_t<Token>, detail::limit_at>{static_cast<Token&&>(token), {time}, how};
}

}  // namespace berth::v0_1

template <class Token, class Limit, class... Signatures>
struct asio::async_result<berth::detail::limited_token<Token, Limit>, Signatures...> {
    template <class Initiation, class Raw, class... Args>
    static auto initiate(Initiation&& initiation, Raw&& raw, Args&&... args) {
        using wrapped = berth::detail::limited_initiation<std::decay_t<Initiation>, Limit>;
        // What is in a token that has a name stays there.
        using inner = std::conditional_t<std::is_lvalue_reference_v<Raw>, decltype((raw.token)), Token>;
        return asio::async_initiate<inner, Signatures...>(
            wrapped{static_cast<Initiation&&>(initiation), raw.limit, raw.how}, raw.token,
            static_cast<Args&&>(args)...);
    }
};
