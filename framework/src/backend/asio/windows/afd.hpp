// The driver under all sockets, as a device of this context's: it says through the completion port when one is ready.
#pragma once

#include <asio/execution_context.hpp>
#include <asio/io_context.hpp>
#include <asio/windows/basic_stream_handle.hpp>

#include <cstddef>
#include <cstdint>

namespace berth::detail {

class afd : public asio::execution_context::service {
public:
    using key_type = afd;
    static asio::execution_context::id id;

    // The driver's numbers.
    static constexpr unsigned long readable = 0x1, urgent = 0x2, writable = 0x4, remote_ended = 0x8, reset = 0x10,
                                   closed_here = 0x20, acceptable = 0x80, connect_failed = 0x100;

    /// In the driver's form. Stays where it is until the answer is there.
    struct question {
        std::int64_t until = 0;
        std::uint32_t count = 1;
        std::uint32_t exclusive = 0;
        void* socket = nullptr;
        std::uint32_t events = 0;
        std::int32_t status = 0;
    };

    /// Throws std::system_error.
    explicit afd(asio::execution_context& context);

    /// Asks, without a time limit. `overlapped`: of Asio's. Post: 0, and it completes on the context's port, also
    /// where the answer is there already; or the system's error number, and it does not.
    int ask(question& q, asio::detail::socket_type socket, unsigned long events, void* overlapped) noexcept;
    /// It completes early.
    void withdraw(void* overlapped) noexcept;

private:
    void shutdown() override {}

    asio::windows::basic_stream_handle<asio::io_context::executor_type> device_;
};

}  // namespace berth::detail
