// A port on loan from a reservation, with its bound socket: the handle that give back hangs on.
//
// Move-only; its destructor gives the port back. One owner at a time: not thread-safe itself, different ones are. May
// outlive its reservation: the port then leaves the block for good when it is given back. In a forked child it is
// inert: nothing it does there touches the parent's socket.
#pragma once

#include <berth/detail/config.hpp>
#include <berth/error.hpp>

#include <asio/detail/socket_types.hpp>

#include <cstdint>
#include <utility>

namespace berth::inline v0_1 {

/// A socket as the system names it; what Asio's native_handle() returns.
using native_handle_type = asio::detail::socket_type;

}  // namespace berth::v0_1

namespace berth::detail {
class port_lane;
struct outbound_draws;
}  // namespace berth::detail

namespace berth::inline v0_1 {

class shared_listener;

template <class Socket>
class bound;

class bound_port {
public:
    bound_port() noexcept = default;
    bound_port(bound_port&& other) noexcept { swap(other); }
    bound_port& operator=(bound_port&& other) noexcept {
        bound_port(std::move(other)).swap(*this);
        return *this;
    }
    ~bound_port() {
        if (lane_ != nullptr) put_back();
    }

    /// True if a port is held.
    explicit operator bool() const noexcept { return lane_ != nullptr; }

    /// The port, host byte order; 0 if none is held.
    [[nodiscard]] BERTH_DECL std::uint16_t port() const noexcept;

    /// The session socket for data transfer alone: send, receive, accept, poll; for an outbound TCP socket connect
    /// and shutdown of the connection. Non-blocking. It stays the port's: do not close, duplicate, connect (UDP) or
    /// set options on it, and take it out of an event queue before give back. For those, use native_handle().
    [[nodiscard]] BERTH_DECL native_handle_type io_handle() const noexcept;

    /// The session socket for any use but closing it. Give back then checks identity, options and attachments, and
    /// puts them back or replaces the socket (some microseconds). Event queues are not searched: take it out of them,
    /// or register a duplicate() instead, whose remains are found.
    [[nodiscard]] BERTH_DECL native_handle_type native_handle() noexcept;

    /// A descriptor of the session socket that is the caller's own to close. The port becomes available again only
    /// when, after give back, no descriptor of this process names the socket any more.
    BERTH_DECL native_handle_type duplicate(error_code& ec) noexcept;
    BERTH_DECL native_handle_type duplicate();

    /// Gives the port back: silences and empties its socket. Post: no port is held, whatever ec says. Lock-free but
    /// for system calls; a hand-over adds locks. ec: never anything that the caller must act on but `forked`; a
    /// socket that was spoilt is replaced and counted (statistics().condemned).
    BERTH_DECL void give_back(error_code& ec) noexcept;

    void swap(bound_port& other) noexcept {
        std::swap(lane_, other.lane_);
        std::swap(index_, other.index_);
        std::swap(uses_, other.uses_);
    }

private:
    friend class detail::port_lane;
    friend struct detail::outbound_draws;
    friend class shared_listener;
    template <class Socket>
    friend class bound;
    enum use : std::uint32_t { io_only = 0, lent = 1, exposed = 2, lost = 4 };  // lost: closed, or another's to close

    bound_port(detail::port_lane* lane, std::uint32_t index) noexcept : lane_(lane), index_(index) {}
    BERTH_DECL void put_back() noexcept;

    detail::port_lane* lane_ = nullptr;
    std::uint32_t index_ = 0;
    std::uint32_t uses_ = io_only;
};

}  // namespace berth::v0_1
