// An execution context for one thread: Asio's vocabulary over berth's own loop, io_uring where it is to be had.
//
// Code written for asio::io_context runs on it unchanged as far as executors, strands, work guards, completion tokens
// and coroutines go. I/O objects, timers, resolvers and signals are berth's own: one of Asio's would need a second
// reactor behind this one, so run() names it and refuses, at once or within half a second of its making. One thread
// runs a context at a time; post, stop and work counts are for any thread, I/O objects are handed over to the running
// thread.
#pragma once

#include <berth/detail/event_loop.hpp>
#include <berth/error.hpp>

#include <asio/detail/socket_types.hpp>
#include <asio/execution.hpp>
#include <asio/execution_context.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace berth::detail {
class asio_guests;
}  // namespace berth::detail

namespace berth::inline v0_1 {

enum class backend_choice : std::uint8_t {
    best,      ///< io_uring; where it is refused the asio backend, and backend_reason() says why
    io_uring,  ///< a refusal is thrown
    asio,      ///< epoll on Linux, IOCP on Windows
};

struct io_context_options {
    backend_choice backend = backend_choice::best;
    bool spin = false;             ///< never sleep: lowest latency for a whole core
    std::uint32_t entries = 1024;  ///< submissions the ring takes at once; more wait in memory
    std::uint32_t lent_buffer_size = 4096;  ///< bytes, at least 512; more than a message, so that it comes in one
    std::uint32_t lent_buffer_count = 256;  ///< rounded up to a power of two, at most 32,768; all sockets share them
};

class io_context : public asio::execution_context {
public:
    template <unsigned Bits>
    class basic_executor;
    using executor_type = basic_executor<0>;
    using count_type = std::size_t;
    using native_wait_handle_type = asio::detail::socket_type;

    /// Throws reservation_error: operation_not_supported if the options cannot be met; what() says why.
    explicit io_context(const io_context_options& options = {});
    ~io_context();

    [[nodiscard]] executor_type get_executor() noexcept;

    /// As asio::io_context: until stopped or out of work. Returns the number of handlers run. Throws what a handler
    /// throws; std::errc::operation_not_permitted if another thread runs this context; std::errc::invalid_argument if
    /// an I/O object of Asio's own was made on it: what() names it, and what to use instead.
    count_type run() { return run_some(clock::time_point::max(), ~std::size_t{0}); }
    count_type run_one() { return run_some(clock::time_point::max(), 1); }
    count_type poll() { return run_some(clock::time_point::min(), ~std::size_t{0}); }
    count_type poll_one() { return run_some(clock::time_point::min(), 1); }
    template <class Rep, class Period>
    count_type run_for(const std::chrono::duration<Rep, Period>& time) {
        return run_until(clock::now() + time);
    }
    template <class Rep, class Period>
    count_type run_one_for(const std::chrono::duration<Rep, Period>& time) {
        return run_one_until(clock::now() + time);
    }
    count_type run_until(std::chrono::steady_clock::time_point time) { return run_some(time, ~std::size_t{0}); }
    count_type run_one_until(std::chrono::steady_clock::time_point time) { return run_some(time, 1); }

    /// Any thread: run() returns as soon as the handler that runs has returned.
    void stop() noexcept { loop_->stop(); }
    [[nodiscard]] bool stopped() const noexcept { return loop_->stopped(); }
    void restart() noexcept { loop_->restart(); }

    /// For a program with a loop of its own that runs this context inside it: a handle that the system can wait for (on
    /// Linux a descriptor for poll or epoll, level-triggered), readable when poll() has something to do, now and then
    /// without. Call poll() then, and when next_due() has come; a context that ran out of work wants a restart(), as
    /// ever. The handle is the context's, and always the same one. Throws std::errc::operation_not_supported where the
    /// backend has none: io_uring before Linux 6.1. One thread polls; others may post, and use I/O objects.
    [[nodiscard]] native_wait_handle_type native_wait_handle();
    /// When poll() is due at the latest, for a timer; time_point::max(): no timer waits. Any thread. A timer that is
    /// set outside of poll() counts at once, and makes the handle readable too.
    [[nodiscard]] std::chrono::steady_clock::time_point next_due() const noexcept { return loop_->next_due(); }

    /// "io_uring" or "asio", and in words why it is this one.
    [[nodiscard]] std::string_view backend() const noexcept { return loop_->backend_name(); }
    [[nodiscard]] const std::string& backend_reason() const noexcept { return loop_->backend_reason(); }

    /// In words: where the memory of operations comes from (a mimalloc heap for each shard, or operator new), and why.
    [[nodiscard]] static const std::string& memory_reason() noexcept { return detail::event_loop::memory_reason(); }

    /// For berth's I/O objects.
    [[nodiscard]] detail::event_loop& loop() noexcept { return *loop_; }

private:
    using clock = std::chrono::steady_clock;
    count_type run_some(clock::time_point until, std::size_t most);

    std::unique_ptr<detail::event_loop> loop_;
    detail::asio_guests* guests_ = nullptr;
};

}  // namespace berth::v0_1

#include <berth/detail/io_context_executor.hpp>
