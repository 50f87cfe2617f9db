// Datagrams on their way out: runs to one destination go to the system in one call, which cuts them apart (GSO).
//
// What is sent during a turn of the loop is gathered until its end, for each destination by itself, as long as the
// size is the same; only the last of a run may be shorter. Where the system does not cut, each is sent by itself.
// What was handed over is sent even if the queue goes meanwhile. Belongs to the loop's thread.
#pragma once

#include <berth/detail/event_loop.hpp>
#include <berth/lent_buffer.hpp>

#include <cstddef>
#include <cstdint>

namespace berth::detail {

struct datagram_flight;
struct datagram_flights;
class gathered_flights;
struct held_bytes;

class datagram_queue {
public:
    /// Throws std::bad_alloc.
    BERTH_DECL datagram_queue(event_loop& loop, bool may_join);
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
    [[nodiscard]] BERTH_DECL const counts& totals() const noexcept;

private:
    struct turn_end : ready_node {
        datagram_queue* queue = nullptr;  // nullptr: it is gone
        event_loop* loop = nullptr;
    };
    struct way {
        datagram_flight& flight;
        bool joins;  // what it carries already
        std::uint8_t place;
    };
    way find(attachment& socket, const void* address, std::size_t size, std::size_t length);
    void add(const way& w, void* data, std::size_t length, const held_bytes& h) noexcept;
    void depart(datagram_flight& flight) noexcept;
    void ask_for_turn_end();

    event_loop* loop_;
    datagram_flights* flights_;             // what those under way share with the queue, and outlives it for them
    gathered_flights* gathered_ = nullptr;  // those that wait for the end of the turn; each holds its socket
    turn_end* end_of_turn_ = nullptr;       // nullptr: not asked for
};

}  // namespace berth::detail
