// One direction of a socket: who waits for it, and the question to the driver that is under way for the first of them.
//
// The question may outlive the socket: it holds its readiness until it has come back.
#pragma once

#include "backend/asio/running.hpp"
#include "backend/asio/windows/afd.hpp"

#include <cstddef>
#include <memory>

namespace berth::detail {

class engine_socket;

class readiness : public std::enable_shared_from_this<readiness> {
public:
    readiness(asio::io_context& context, engine_socket& socket, unsigned long events)
        : device_(asio::use_service<afd>(context)), context_(context), socket_(&socket), events_(events) {}

    [[nodiscard]] bool is_empty() const noexcept { return first_ == nullptr; }
    /// Takes its place at the end of the row; the question is asked if none is under way.
    void wait(running& record);
    /// Pre: it is in this row.
    void stop(running& record) noexcept;
    /// All of them, and the question.
    void stop_all() noexcept;
    /// The socket leaves. Pre: nobody waits.
    void orphan() noexcept;

private:
    struct answered;

    void ask();
    void answer(const std::error_code& ec) noexcept;
    void withdraw() noexcept;
    running* pop() noexcept;

    afd& device_;
    asio::io_context& context_;
    engine_socket* socket_;
    const unsigned long events_;
    running* first_ = nullptr;
    running* last_ = nullptr;
    void* under_way_ = nullptr;  // the question's OVERLAPPED
    bool is_withdrawn_ = false;
    afd::question question_;
    handler_memory memory_;
};

}  // namespace berth::detail
