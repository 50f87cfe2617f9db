// An executor, and the loop behind it, which each socket asks for all the time: an io_context's own executor leads to
// it, any other was asked once. So a socket on a berth executor, as most are, has one pointer instead of two.
#pragma once

#include <berth/io_context.hpp>

namespace berth::detail {

/// Throws as loop_of() does.
template <class Executor>
class executor_on_loop {
public:
    explicit executor_on_loop(const Executor& executor) : executor_(executor), loop_(&loop_of(executor)) {}
    [[nodiscard]] const Executor& executor() const noexcept { return executor_; }
    [[nodiscard]] event_loop& loop() const noexcept { return *loop_; }

private:
    Executor executor_;
    event_loop* loop_;
};

template <class Executor>
    requires requires(const Executor& executor) { executor.context().loop(); }
class executor_on_loop<Executor> {
public:
    explicit executor_on_loop(const Executor& executor) : executor_(executor) {}
    [[nodiscard]] const Executor& executor() const noexcept { return executor_; }
    [[nodiscard]] event_loop& loop() const noexcept { return executor_.context().loop(); }

private:
    Executor executor_;
};

}  // namespace berth::detail
