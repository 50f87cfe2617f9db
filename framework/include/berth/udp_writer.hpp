// The sending side of a UDP socket that never waits: runs of datagrams to one destination leave in one call.
//
// What is sent during a turn of the loop is handed to the system at its end, datagrams of the same size to the same
// destination together (segmentation offload), whatever was sent elsewhere in between. To one destination they leave
// in the order in which they were sent. Those that the system refuses are counted, not reported one by one: UDP
// promises no more.
#pragma once

#include <berth/detail/datagram_queue.hpp>
#include <berth/udp_socket.hpp>

#include <cstdint>
#include <utility>

namespace berth::inline v0_1 {

/// Whether the system is given runs of datagrams to cut apart.
enum class segmentation : std::uint8_t {
    best,   ///< where it can
    never,  ///< each datagram in a call of its own
};

/// What became of the datagrams of a udp_writer.
struct udp_writer_counts {
    std::uint64_t sent = 0;    ///< datagrams that the system took
    std::uint64_t failed = 0;  ///< datagrams that it refused
    std::uint64_t calls = 0;   ///< the sends that they went in
    error_code last_error;     ///< of the last that it refused
};

/// Belongs to one socket, which stays where it is and open until the turn ends. For the running thread alone. May be
/// destroyed at any time: what was sent before is still sent, unless the socket is closed.
template <class Executor = io_context::executor_type>
class basic_udp_writer {
public:
    using endpoint_type = asio::ip::udp::endpoint;

    explicit basic_udp_writer(basic_udp_socket<Executor>& socket, segmentation use = segmentation::best)
        : socket_(socket), queue_(detail::io_access::loop_of(socket), use == segmentation::best) {}

    /// Never waits. On a socket that is not open datagrams are dropped. Throws std::bad_alloc.
    void send(lent_buffer payload, const endpoint_type& to) {
        if (socket_.is_open()) queue_.send(attachment(), std::move(payload), to.data(), to.size());
    }
    /// Copies.
    void send(asio::const_buffer payload, const endpoint_type& to) {
        if (socket_.is_open()) queue_.copy(attachment(), payload.data(), payload.size(), to.data(), to.size());
    }
    /// Hands over what was gathered, without waiting for the end of the turn.
    void flush() noexcept { queue_.flush(); }

    [[nodiscard]] udp_writer_counts counts() const noexcept {
        const auto& c = queue_.totals();
        return {c.sent, c.failed, c.calls, error_code(c.last_error, asio::error::get_system_category())};
    }

private:
    detail::attachment& attachment() const noexcept { return *detail::io_access::attachment_of(socket_); }

    basic_udp_socket<Executor>& socket_;
    detail::datagram_queue queue_;
};

using udp_writer = basic_udp_writer<>;

}  // namespace berth::v0_1
