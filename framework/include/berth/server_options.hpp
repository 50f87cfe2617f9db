// What a server allows its clients, and the books that it keeps.
//
// Deadlines are coarse: they are looked at once a tick, so a connection ends between its deadline and two ticks later,
// never before; time in which its shard could not look does not count. 0: no such limit or deadline.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace berth::inline v0_1 {

enum class beyond_limit : std::uint8_t {
    wait,   ///< stays in the system's queue (one for each shard and listener is taken off it) until there is room
    reset,  ///< is accepted and reset at once, so that the client knows
};

struct server_options {
    using duration = std::chrono::steady_clock::duration;

    std::uint32_t max_connections = 0;               ///< over all shards
    beyond_limit when_full = beyond_limit::wait;     ///< what becomes of a connection beyond max_connections
    std::uint32_t max_connections_per_address = 0;   ///< an IPv4 address, or an IPv6 /64; what is beyond is reset
    duration first_byte = std::chrono::seconds(30);  ///< from accept to the first byte received
    duration idle = std::chrono::minutes(5);         ///< without a byte in either direction
    duration total = duration::zero();               ///< from accept to the end
    duration write = std::chrono::seconds(30);       ///< with bytes to send of which the system takes none
    duration tick = std::chrono::milliseconds(100);  ///< at least 1 ms
    std::size_t high_watermark = 256 * 1024;         ///< bytes queued by write() from which a producer has to wait
    std::size_t low_watermark = 64 * 1024;           ///< and to which the queue must fall until it goes on; below high
    int backlog = 4096;                              ///< of the listening sockets; the system may allow less
};

/// Of one shard or of all. accepted = active + ended at any moment at which nobody comes or goes.
struct server_statistics {
    std::uint64_t accepted = 0;             ///< connections that were given to a handler
    std::uint64_t active = 0;               ///< of these, those that are open or whose handler has not ended
    std::uint64_t ended = 0;                ///< and the others
    std::uint64_t refused_by_limit = 0;     ///< reset because of max_connections
    std::uint64_t refused_by_address = 0;   ///< reset because of max_connections_per_address
    std::uint64_t bytes_in = 0;             ///< received from clients
    std::uint64_t bytes_out = 0;            ///< taken by the system for clients
    std::uint64_t first_byte_timeouts = 0;  ///< connections ended by each deadline
    std::uint64_t idle_timeouts = 0;
    std::uint64_t total_timeouts = 0;
    std::uint64_t write_timeouts = 0;
    std::uint64_t aborted = 0;           ///< ended by an error of the connection, e.g. a reset of the client's
    std::uint64_t cut = 0;               ///< ended by stop(), or by the deadline of async_stop()
    std::uint64_t handler_failures = 0;  ///< ended by an exception of their handler
    std::uint64_t accept_backoffs = 0;   ///< times that accepting paused for want of descriptors or memory
    std::uint64_t accept_errors = 0;     ///< connections that ended before they were accepted, and other such errors

    server_statistics& operator+=(const server_statistics& other) noexcept {
        accepted += other.accepted;
        active += other.active;
        ended += other.ended;
        refused_by_limit += other.refused_by_limit;
        refused_by_address += other.refused_by_address;
        bytes_in += other.bytes_in;
        bytes_out += other.bytes_out;
        first_byte_timeouts += other.first_byte_timeouts;
        idle_timeouts += other.idle_timeouts;
        total_timeouts += other.total_timeouts;
        write_timeouts += other.write_timeouts;
        aborted += other.aborted;
        cut += other.cut;
        handler_failures += other.handler_failures;
        accept_backoffs += other.accept_backoffs;
        accept_errors += other.accept_errors;
        return *this;
    }
};

}  // namespace berth::v0_1
