// Datagrams on their way out: runs to one destination go to the system in one call, which cuts them apart (GSO).
//
// What is sent during a turn of the loop is gathered until its end: as long as the destination is the same and the
// size is, only the last of a run may be shorter. Where the system does not cut, each is sent by itself. What was
// handed over is sent even if the queue goes meanwhile. Belongs to the loop's thread.
#pragma once

#include <berth/detail/event_loop.hpp>
#include <berth/lent_buffer.hpp>

#include <cstddef>
#include <cstdint>

namespace berth::detail {

struct datagram_flight;

class datagram_queue {
public:
    datagram_queue(event_loop& loop, bool may_join) noexcept : loop_(&loop), largest_segment_(may_join ? 0xffff : 0) {}
    datagram_queue(const datagram_queue&) = delete;
    datagram_queue& operator=(const datagram_queue&) = delete;
    BERTH_DECL ~datagram_queue();

    /// Takes a datagram for an address in the system's form. Pre: `socket` is open until the turn has ended.
    /// Throws std::bad_alloc.
    BERTH_DECL void send(attachment& socket, lent_buffer payload, const void* address, std::size_t size);
    BERTH_DECL void copy(attachment& socket, const void* data, std::size_t length, const void* address,
                         std::size_t size);
    /// Hands over what was gathered, now.
    BERTH_DECL void flush() noexcept;

    struct counts {
        std::uint64_t sent = 0;    ///< datagrams that the system took
        std::uint64_t failed = 0;  ///< those it refused: see last_error
        std::uint64_t calls = 0;   ///< sends that it took them in
        int last_error = 0;        ///< a system's error number
    };
    [[nodiscard]] BERTH_DECL const counts& totals() const noexcept { return totals_; }

private:
    friend struct datagram_flight;
    struct turn_end : ready_node {
        datagram_queue* queue = nullptr;  // nullptr: it is gone
        event_loop* loop = nullptr;
    };
    datagram_flight& flight_for(attachment& socket, const void* address, std::size_t size, std::size_t length);
    void gather(datagram_flight& flight);

    event_loop* loop_;
    datagram_flight* gathering_ = nullptr;
    datagram_flight* idle_ = nullptr;       // used before, free
    datagram_flight* under_way_ = nullptr;  // all of them, so that none tells a queue that is gone
    turn_end* end_of_turn_ = nullptr;       // nullptr: not asked for
    std::uint16_t largest_segment_;         // bytes; larger datagrams are not joined, the system refuses it
    counts totals_;
};

}  // namespace berth::detail
