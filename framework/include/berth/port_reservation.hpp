// The held right to a block of ports, and the draws from it. One arrow of ARCHITECTURE.md is one function here.
//
// Move-only resource. While it lives no other process binds a port of the block, whatever its uid and flags (what a
// system cannot promise, capabilities.hpp says). Draws, give back and statistics are thread-safe and lock-free in
// user space; release and destruction are serialised by the caller against moves of the object, not against draws.
// Documents: SIO_ACQUIRE_PORT_RESERVATION (reserve), SIO_RELEASE_PORT_RESERVATION (release).
#pragma once

#include <berth/bound.hpp>
#include <berth/bound_port.hpp>
#include <berth/error.hpp>
#include <berth/reservation_request.hpp>
#include <berth/reservation_token.hpp>
#include <berth/statistics.hpp>

#include <array>
#include <memory>
#include <type_traits>

namespace asio::ip {  // their full headers are for those who take Asio sockets
class tcp;
class udp;
}  // namespace asio::ip

namespace berth {

namespace detail {
class reservation_core;
class reserve_turns;
class growing_blocks;

template <class Socket>
concept acceptor = requires(Socket& s) {
    s.listen();
};
}  // namespace detail

/// What release does when sockets of the block are still with workers.
enum class if_taken : std::uint8_t {
    refuse,  ///< reservation_busy, counted; nothing changes
    detach,  ///< they live on without the reservation; each port ends with its socket
};

class port_reservation {
public:
    port_reservation() noexcept = default;  ///< reserves nothing; every draw fails with reservation_released
    BERTH_DECL port_reservation(port_reservation&&) noexcept;
    BERTH_DECL port_reservation& operator=(port_reservation&&) noexcept;
    /// Releases; sockets that are out are detached and a warning is logged (log.hpp).
    BERTH_DECL ~port_reservation();

    /// Reserves all of the block or nothing. Blocks for some microseconds a port. Post on success: every port is
    /// held, parked and available, and the closing check found nobody else on it. Throws reservation_error:
    /// invalid_argument, block_unavailable, too_many_files, permission_denied, address_mismatch, family_mismatch, …
    [[nodiscard]] BERTH_DECL static port_reservation reserve(const reservation_request& request);
    /// As above; on failure returns an empty reservation and f says what, why and what to do.
    [[nodiscard]] BERTH_DECL static port_reservation reserve(const reservation_request& request, failure& f);

    /// As reserve, in steps on `where`'s executor (`where`: an executor, or an execution context; berth's or any
    /// other). A turn there takes less than a millisecond of work, other handlers and I/O come in between, and there
    /// is no thread. Completion signature void(error_code, port_reservation), on the handler's associated executor.
    /// Cancellation, of any type, ends it with asio::error::operation_aborted, in turns as well; then, as after any
    /// failure, nothing is held. Needs <berth/async_reserve.hpp>.
    template <class Where, class Token>
    static auto async_reserve(Where&& where, const reservation_request& request, Token&& token);
    /// `why` outlives the operation: on failure it says what, why and what to do; on success it is empty.
    template <class Where, class Token>
    static auto async_reserve(Where&& where, const reservation_request& request, failure& why, Token&& token);

    /// True if a block is reserved.
    [[nodiscard]] BERTH_DECL explicit operator bool() const noexcept;
    /// The block, specific also if a wildcard was asked for. {0, 0} if none.
    [[nodiscard]] BERTH_DECL port_block block() const noexcept;
    /// The name of the reservation for associate(). Zero if none.
    [[nodiscard]] BERTH_DECL reservation_token token() const noexcept;

    // --- draws. Thread-safe. An empty bound_port and ec on failure: block_exhausted, reservation_released, forked
    // ---

    /// Any available port, by the request's draw order. Post: its socket is open, empty and without a past.
    /// For a block with TCP and UDP say which: `protocol` tcp or udp. Never waits; may look for ports that came free
    /// (rested, or closed by their callers) before it says block_exhausted.
    BERTH_DECL bound_port take(error_code& ec) noexcept;
    BERTH_DECL bound_port take(transport protocol, error_code& ec) noexcept;
    BERTH_DECL bound_port take();
    /// Exactly this port, host byte order. port_outside_block, port_taken.
    BERTH_DECL bound_port take_port(std::uint16_t port, error_code& ec) noexcept;
    BERTH_DECL bound_port take_port(std::uint16_t port, transport protocol, error_code& ec) noexcept;
    /// An even port and the odd one above it (RTP/RTCP; RFC 8656 EVEN-PORT). Both or none.
    BERTH_DECL std::array<bound_port, 2> take_pair(error_code& ec) noexcept;
    BERTH_DECL std::array<bound_port, 2> take_pair(transport protocol, error_code& ec) noexcept;

    /// Any available port as an Asio socket or acceptor on `executor`. protocol_mismatch if the block has no such
    /// sockets (a tcp::socket needs tcp_use::connect, an acceptor tcp_use::listen; acceptors listen already).
    template <class Socket, class Executor>
    bound<Socket> take(const Executor& executor, error_code& ec) {
        return adopt<Socket>(executor, take_for(use_of<Socket>(), ec), ec);
    }
    template <class Socket, class Executor>
    bound<Socket> take(const Executor& executor) {
        error_code ec;
        auto b = take<Socket>(executor, ec);
        if (ec) throw std::system_error(ec, "berth: take");
        return b;
    }
    template <class Socket, class Executor>
    std::array<bound<Socket>, 2> take_pair(const Executor& executor, error_code& ec) {
        auto pair = take_pair_for(use_of<Socket>(), ec);
        std::array<bound<Socket>, 2> out{adopt<Socket>(executor, std::move(pair[0]), ec), bound<Socket>(executor)};
        if (!ec) out[1] = adopt<Socket>(executor, std::move(pair[1]), ec);
        if (ec) return {bound<Socket>(executor), bound<Socket>(executor)};
        return out;
    }

    /// Ends the reservation. Post on success: the ports are the system's again (detached ones when their sockets
    /// end), the token is invalid. reservation_busy with f.count sockets out, if told to refuse.
    BERTH_DECL void release(failure& f, if_taken policy = if_taken::refuse) noexcept;
    BERTH_DECL void release(if_taken policy = if_taken::refuse);

    /// Brings back what came free off the fast path: rested ports, ports whose caller closed the socket, condemned
    /// ones. Returns the number of ports that became available. Thread-safe; takes milliseconds with 10^4
    /// descriptors.
    BERTH_DECL std::uint32_t reclaim() noexcept;

    /// Ports that can be taken at once, of both protocols; rested ones count once somebody looked. Thread-safe, a hint
    /// while other threads draw. A look at 32 ports a step.
    [[nodiscard]] BERTH_DECL std::uint32_t available() const noexcept;

    /// The books. Thread-safe, also while other threads work.
    [[nodiscard]] BERTH_DECL reservation_statistics statistics() const noexcept;

private:
    friend class detail::reservation_core;
    friend class detail::reserve_turns;
    friend class detail::growing_blocks;
    enum class socket_use : std::uint8_t { udp, tcp_listen, tcp_connect };

    explicit port_reservation(std::shared_ptr<detail::reservation_core> core) noexcept;
    BERTH_DECL bound_port take_for(socket_use use, error_code& ec) noexcept;
    BERTH_DECL std::array<bound_port, 2> take_pair_for(socket_use use, error_code& ec) noexcept;
    [[nodiscard]] BERTH_DECL bool sockets_are_ipv4() const noexcept;
    /// release(), refusing, in pieces of `most` ports. True: call again.
    BERTH_DECL bool release_some(failure& f, std::uint32_t most) noexcept;

    template <class Socket>
    static constexpr socket_use use_of() noexcept {
        using protocol = typename Socket::protocol_type;
        static_assert(std::is_same_v<typename Socket::native_handle_type, native_handle_type>);
        static_assert(std::is_same_v<protocol, asio::ip::tcp> || std::is_same_v<protocol, asio::ip::udp>,
                      "a block has TCP or UDP ports");
        if constexpr (std::is_same_v<protocol, asio::ip::udp>) return socket_use::udp;
        return detail::acceptor<Socket> ? socket_use::tcp_listen : socket_use::tcp_connect;
    }

    template <class Socket, class Executor>
    bound<Socket> adopt(const Executor& executor, bound_port port, error_code& ec) {
        if (ec) return bound<Socket>(executor);
        Socket socket(executor);
        using protocol = typename Socket::protocol_type;
        const protocol family = sockets_are_ipv4() ? protocol::v4() : protocol::v6();
        if constexpr (detail::tells_if_lent<Socket>) {
            socket.assign_own(family, port.io_handle(), ec);
        } else {
            socket.assign(family, port.native_handle(), ec);
        }
        if (ec) return bound<Socket>(executor);
        return bound<Socket>(std::move(socket), std::move(port));
    }

    std::shared_ptr<detail::reservation_core> core_;
};

}  // namespace berth
