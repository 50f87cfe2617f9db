// What wakes a sleeping io_context from anywhere, a signal handler included; Asio's own post() takes locks.
#pragma once

#include <asio/io_context.hpp>

#include <memory>

namespace berth::detail {

class handler_memory;

class alarm {
public:
    /// `memory` outlives the context. Throws std::system_error: no descriptor left.
    alarm(asio::io_context& context, handler_memory& memory);
    ~alarm();

    /// From any thread and any signal handler.
    void ring() noexcept;

    /// True if it rang since the last call, as far as the io_context has come.
    bool take() noexcept;
    /// In a forked child: from now on what it hears is rung for it, and not for its parent.
    void be_ours() noexcept;

private:
    struct works;
    std::unique_ptr<works> works_;
};

}  // namespace berth::detail
