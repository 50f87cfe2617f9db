// Bytes on their way to a stream, in order: what a tcp_writer is made of, without its completion tokens.
//
// All its memory is in one flight, which is there only while something is under way: an idle queue is a pointer and
// an error. The flight outlives the queue: what was written is sent, if the socket stays open. Belongs to the loop's
// thread.
#pragma once

#include <berth/detail/event_loop.hpp>
#include <berth/lent_buffer.hpp>

#include <cstddef>

namespace berth::detail {

struct write_flight;

struct flush_waiter : operation {
    std::size_t below = 0;  ///< bytes
};

class write_queue {
public:
    write_queue() noexcept = default;
    write_queue(const write_queue&) = delete;
    write_queue& operator=(const write_queue&) = delete;
    BERTH_DECL ~write_queue();

    /// Takes the bytes, and begins to send if nothing is under way. Pre: `socket` is open, and the same until all is
    /// sent. Copying throws std::bad_alloc.
    BERTH_DECL void write(attachment& socket, lent_buffer bytes);
    BERTH_DECL void copy(attachment& socket, const void* data, std::size_t size);

    /// Bytes that the system has not taken yet.
    [[nodiscard]] BERTH_DECL std::size_t pending() const noexcept;
    /// The error that ended it, a system's error number; 0: none. Nothing is sent any more after it.
    [[nodiscard]] int error() const noexcept { return error_; }

    /// Ends `waiter` (on_result: 0 or the negative error) when no more than waiter.below bytes are pending, or on an
    /// error; later, from a turn of the loop. Not started: it is linked here, and leave() takes it out again.
    BERTH_DECL void wait_until_below(event_loop& loop, flush_waiter& waiter) noexcept;
    BERTH_DECL bool leave(operation& waiter) noexcept;

private:
    friend struct write_flight;
    write_flight& flight_on(attachment& socket);

    write_flight* flight_ = nullptr;
    int error_ = 0;
};

}  // namespace berth::detail
