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
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace asio::ip {  // their full headers are for those who take Asio sockets
class tcp;
class udp;
}  // namespace asio::ip

namespace berth::detail {
class reservation_core;
class reserve_turns;
class growing_blocks;
struct outbound_draws;

template <class Socket>
concept acceptor = requires(Socket& s) {
    s.listen();
};
}  // namespace berth::detail

namespace berth::inline v0_1 {

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
    /// As above; on failure returns an empty reservation and f says what, why and what to do. no_memory may be without
    /// words.
    [[nodiscard]] BERTH_DECL static port_reservation reserve(const reservation_request& request, failure& f) noexcept;

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

    /// Connects a port of the block to `destination`, and which port is the destination's choice: any that has a free
    /// session socket and is neither connected to that destination nor resting for it, at random among those
    /// (draw_order::random, RFC 6056) or in turn. One connect(2) in the normal case, and no search in the system.
    /// Completion signature void(error_code, bound<Socket>); Socket: berth::tcp_socket or asio::ip::tcp::socket.
    /// Thread-safe. Post on success: the connection is up, from port() of the result; giving that back ends the
    /// connection (in order if both sides have said their end, else by a reset), cleans the socket, and the port is
    /// the destination's to draw again. On an error nothing is held: Asio's errors of connect; and block_exhausted
    /// (at some instant no such port was available), family_mismatch, protocol_mismatch, invalid_argument (port 0),
    /// too_many_destinations, reservation_released, forked, no_memory. A cancellation of any type ends it with
    /// asio::error::operation_aborted. Needs <berth/outbound.hpp>, which says what rests and how long.
    template <class Socket, class Executor, class Token>
    auto async_connect(const Executor& executor, const typename Socket::endpoint_type& destination, Token&& token);
    /// The same, and waits for it; as long as the system tries, which can be minutes.
    template <class Socket, class Executor>
    bound<Socket> connect(const Executor& executor, const typename Socket::endpoint_type& destination, error_code& ec);
    template <class Socket, class Executor>
    bound<Socket> connect(const Executor& executor, const typename Socket::endpoint_type& destination);

    // --- draws. Thread-safe. An empty bound_port and ec on failure: block_exhausted, reservation_released, forked.
    // --- Without `protocol`: invalid_argument for a block with both; with it: protocol_mismatch if the block has none.

    /// Any available port, by the request's draw order. Post: its socket is open, empty and without a past.
    /// For a block with TCP and UDP say which: `protocol` tcp or udp. With several session sockets a port
    /// (sessions_per_port) it is one of them, so a port may come more than once. Never waits; may look for ports that
    /// came free (rested, or closed by their callers) before it says block_exhausted.
    BERTH_DECL bound_port take(error_code& ec) noexcept;
    BERTH_DECL bound_port take(transport protocol, error_code& ec) noexcept;
    BERTH_DECL bound_port take();
    /// Exactly this port, host byte order; one of its session sockets. port_outside_block, port_taken.
    BERTH_DECL bound_port take_port(std::uint16_t port, error_code& ec) noexcept;
    BERTH_DECL bound_port take_port(std::uint16_t port, transport protocol, error_code& ec) noexcept;
    /// An even port and the odd one above it (RTP/RTCP; RFC 8656 EVEN-PORT). Both or none. operation_not_supported
    /// with several session sockets a port.
    BERTH_DECL std::array<bound_port, 2> take_pair(error_code& ec) noexcept;
    BERTH_DECL std::array<bound_port, 2> take_pair(transport protocol, error_code& ec) noexcept;
    /// out.size() consecutive ports, ascending, the first one a multiple of `alignment` (1: any port). All or none:
    /// false and ec, and `out` is as it was or empty. block_exhausted: at some instant of the call there was no such
    /// run; invalid_argument: no port or an alignment of 0 was asked for; operation_not_supported: a share of a
    /// persistent block, or several session sockets a port. Looks at the whole block if it must, 32 ports a step.
    BERTH_DECL bool take_run(std::span<bound_port> out, std::uint32_t alignment, error_code& ec) noexcept;
    BERTH_DECL bool take_run(std::span<bound_port> out, std::uint32_t alignment, transport protocol,
                             error_code& ec) noexcept;

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
    template <class Socket, class Executor>
    std::vector<bound<Socket>> take_run(const Executor& executor, std::uint32_t count, std::uint32_t alignment,
                                        error_code& ec) {
        std::vector<bound_port> ports(count);
        std::vector<bound<Socket>> out;
        out.reserve(count);
        if (!take_run_for(ports, alignment, use_of<Socket>(), ec)) return out;
        for (auto& port : ports) {
            out.push_back(adopt<Socket>(executor, std::move(port), ec));
            if (ec) return {};
        }
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
    /// while other threads draw. A look at 32 ports a step. Session sockets where a port has several.
    [[nodiscard]] BERTH_DECL std::uint32_t available() const noexcept;

    /// The books. Thread-safe, also while other threads work.
    [[nodiscard]] BERTH_DECL reservation_statistics statistics() const noexcept;

private:
    friend class detail::reservation_core;
    friend class detail::reserve_turns;
    friend class detail::growing_blocks;
    friend struct detail::outbound_draws;
    enum class socket_use : std::uint8_t { udp, tcp_listen, tcp_connect };

    explicit port_reservation(std::shared_ptr<detail::reservation_core> core) noexcept;
    BERTH_DECL bound_port take_for(socket_use use, error_code& ec) noexcept;
    BERTH_DECL std::array<bound_port, 2> take_pair_for(socket_use use, error_code& ec) noexcept;
    BERTH_DECL bool take_run_for(std::span<bound_port> out, std::uint32_t alignment, socket_use use,
                                 error_code& ec) noexcept;
    [[nodiscard]] BERTH_DECL bool sockets_are_ipv4() const noexcept;
    /// release(), refusing, in pieces of `most` ports. True: call again.
    BERTH_DECL bool release_some(failure& f, std::uint32_t most) noexcept;

    template <class Socket>
    static constexpr socket_use use_of() noexcept {
        using protocol = typename Socket::protocol_type;
        static_assert(std::is_convertible_v<native_handle_type, typename Socket::native_handle_type> &&
                      std::is_convertible_v<typename Socket::native_handle_type, native_handle_type>);
        static_assert(std::is_same_v<protocol, asio::ip::tcp> || std::is_same_v<protocol, asio::ip::udp>,
                      "a block has TCP or UDP ports");
        if constexpr (std::is_same_v<protocol, asio::ip::udp>) return socket_use::udp;
        return (detail::acceptor<Socket>) ? socket_use::tcp_listen : socket_use::tcp_connect;
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

}  // namespace berth::v0_1
