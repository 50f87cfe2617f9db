// A backend on a private asio::io_context: epoll on Linux, completion ports on Windows.
//
// One row of results, `ready_`. What Asio has ends there through the handlers, which do nothing else
// (asio_start.cpp). Accepting and lending receives are served instead (asio_serve.cpp): Asio says that the socket can
// be read, the operation steps into the row, and next() takes what is there. So nothing is taken off a socket, and no
// buffer is taken, before somebody asks for the result; an idle socket holds none, and quiet() has nothing to throw
// away.
#pragma once

#include "backend/asio/alarm.hpp"
#include "backend/asio/operation_queue.hpp"
#include "backend/asio/running.hpp"
#include "backend/asio/vocabulary.hpp"
#include "backend/backend.hpp"
#include "backend/recycled_memory.hpp"
#include "engine_socket.hpp"
#include "platform/fork_stamp.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace berth::detail {

/// Who looks after the operations that wait for their socket to be readable.
enum class watch : std::uint8_t {
    none,      // nobody waits
    looking,   // Asio looks at the socket
    serving,   // the first of them is in the row of results
    starving,  // the first of them needs a buffer, and all are lent
};

class asio_attachment final : public attachment {
public:
    asio_attachment(asio_backend& home, asio::io_context& context, platform::native_socket native, socket_kind kind);
    ~asio_attachment();

    engine_socket socket;  // closed while nothing is under way after quiet()
    any_transport transport;
    watch watched = watch::none;
    std::uint32_t in_asio = 0;                  // what Asio has of it, a look included
    operation_queue hungry;                     // accepts, receives that lend
    asio_attachment* starves_before = nullptr;  // its neighbours in the row of those that need a buffer
    asio_attachment* starves_after = nullptr;
};

class asio_backend final : public backend {
public:
    /// Throws std::system_error, std::bad_alloc.
    explicit asio_backend(const backend_options& options);
    ~asio_backend() override;

    [[nodiscard]] const backend_facts& facts() const noexcept override;
    std::unique_ptr<attachment> attach(platform::native_socket socket, socket_kind kind,
                                       std::error_code& ec) override;
    void start(operation& op) noexcept override;
    void cancel(operation& op) noexcept override;
    void quiet(attachment& socket) noexcept override;
    void rest() noexcept override {}  // Asio's operations touch memory in a turn alone
    void wait(clock::time_point until) noexcept override;
    void look() noexcept override;
    bool next(completion& out) noexcept override;
    void wake() noexcept override { alarm_.ring(); }
    platform::native_socket wait_handle(std::error_code& ec) noexcept override;
    void return_buffer(std::uint32_t id) noexcept override;
    void destroy(attachment& socket) noexcept override;

private:
    friend struct landing;
    friend class asio_attachment;

    asio_attachment* make_attachment(platform::native_socket socket, socket_kind kind);
    void assign(asio_attachment& s, std::error_code& ec);
    template <class Initiate>
    void hand_to_asio(asio_attachment& s, operation* op, Initiate initiate);
    void initiate(asio_attachment& s, operation& op);
    void send_with_control(asio_attachment& s, message_operation& op);
    void begin_message(asio_attachment& s, message_operation& op, const landing& handler);
    void landed(running& record, const std::error_code& ec, std::size_t bytes) noexcept;
    void end(operation& op, int result) noexcept;
    void forget(operation& op) noexcept;
    void begin_turn() noexcept;
    void come_apart() noexcept;

    void serve_next(asio_attachment& s) noexcept;
    void look_at(asio_attachment& s, operation& first) noexcept;
    bool serve(operation& op, completion& out) noexcept;
    bool lend(asio_attachment& s, operation& op, completion& out) noexcept;
    static void lend_plainly(asio_attachment& s, operation& op, completion& out) noexcept;
    static void lend_with_control(asio_attachment& s, message_operation& op, completion& out) noexcept;
    void feed() noexcept;
    void starve(asio_attachment& s) noexcept;
    void stop_starving(asio_attachment& s) noexcept;

    recycled_memory socket_memory_;
    const std::uint32_t buffer_size_;
    running_pool pool_;  // first: the context frees into it
    handler_memory alarm_memory_;
    asio::io_context context_;
    alarm alarm_;
    asio::executor_work_guard<asio::io_context::executor_type> always_busy_;

    operation_queue ready_;
    operation_queue later_;       // served often enough for this turn
    std::uint32_t servings_ = 0;  // that are left of this turn
    std::unique_ptr<std::byte[]> buffers_;
    std::vector<std::uint32_t> free_buffers_;
    asio_attachment* first_starving_ = nullptr;
    asio_attachment* last_starving_ = nullptr;
    bool was_refused_ = false;  // the last socket, by the event queue
    std::uint64_t process_ = platform::fork_stamp();  ///< a forked child has another
};

/// `initiate` starts something of Asio's with the handler that it is given; no operation: a look at the socket.
/// Throws std::bad_alloc, and nothing is under way then.
template <class Initiate>
void asio_backend::hand_to_asio(asio_attachment& s, operation* op, Initiate initiate) {
    running* const record = pool_.take();
    record->home = this;
    record->socket = &s;
    record->op = op;
    ++s.in_asio;
    try {
        initiate(landing{record});  // may land before it returns
    } catch (...) {
        --s.in_asio;
        pool_.give_back(record);
        throw;
    }
}

}  // namespace berth::detail
