// The socket of an attachment on Windows, with those of Asio's verbs that the backend uses.
//
// Asio's own sockets put a socket on their context's completion port, and it stays there: a session socket serves one
// loop after the other, which not every system allows it then (Wine's does not). So the socket stays off every port.
// Calls do not wait; what would wait asks the driver of all sockets, AFD, to say when the socket is ready, and that
// question is what completes on the port. tokio, libuv and wepoll ask the same way.
//
// A row for each direction, first in, first out, and one question for the first of a row. All on the loop's thread.
#pragma once

#include "backend/asio/running.hpp"
#include "backend/asio/vocabulary.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <system_error>

namespace berth::detail {

class readiness;

class engine_socket {
public:
    using native_handle_type = asio::detail::socket_type;

    explicit engine_socket(asio::io_context& context) noexcept : context_(&context) {}
    /// Pre: nothing is under way.
    ~engine_socket();
    engine_socket(const engine_socket&) = delete;
    engine_socket& operator=(const engine_socket&) = delete;

    [[nodiscard]] bool is_open() const noexcept { return socket_ != asio::detail::invalid_socket; }
    void assign(const any_transport& transport, native_handle_type socket, std::error_code& ec) noexcept;
    /// Pre: nothing waits.
    void release(std::error_code& ec) noexcept {
        ec.clear();
        socket_ = asio::detail::invalid_socket;
    }
    /// Post: all that waited has landed, as aborted.
    void cancel(std::error_code& ec) noexcept;
    void get_option(asio::socket_base::receive_buffer_size& size, std::error_code& ec) noexcept;
    void non_blocking(bool on, std::error_code& ec) noexcept;

    // They land at once, or later in a turn. Throw std::bad_alloc, and nothing is under way then.
    void async_wait(asio::socket_base::wait_type what, const landing& handler);
    void async_connect(const address_in_place& to, const landing& handler);
    void async_send_to(const parts_to_send& parts, const address_in_place& to, int flags, const landing& handler);
    void async_receive_from(const parts_to_fill& parts, const address_in_place& from, int flags,
                            const landing& handler);

    // Neither waits.
    std::size_t receive(asio::mutable_buffer room, int flags, std::error_code& ec) noexcept;
    std::size_t receive_from(asio::mutable_buffer room, address_in_place& from, int flags, std::error_code& ec) noexcept;

private:
    friend class readiness;
    static constexpr std::size_t directions = 3;  // in, out, urgent

    readiness& direction(std::size_t which);
    void begin(std::size_t which, running& record, bool only_waits);
    bool perform(running& record, int& result) noexcept;
    [[nodiscard]] bool has_a_use() noexcept;
    [[nodiscard]] int after_reset(int received, std::size_t room) const noexcept;

    asio::io_context* context_;
    native_handle_type socket_ = asio::detail::invalid_socket;
    bool is_stream_ = false;
    bool has_a_use_ = false;   // it was seen to be connected, or to listen
    bool was_reset_ = false;   // the driver said so
    std::array<std::shared_ptr<readiness>, directions> rows_;
};

}  // namespace berth::detail
