// The draws behind connect and async_connect: a port for a destination, and what the system said to it.
//
// Invariant: a bound_port that a draw brought owns its session socket and its tuple, the port and the destination;
// both come back with it.
#pragma once

#include <berth/bound.hpp>
#include <berth/detail/config.hpp>
#include <berth/port_reservation.hpp>

#include <asio/ip/address_v6.hpp>
#include <asio/ip/tcp.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace berth::detail {

struct outbound_draws {
    using endpoint = asio::ip::tcp::endpoint;

    static std::shared_ptr<reservation_core> core_of(const port_reservation& r) noexcept { return r.core_; }

    /// The destination in the form that the block's sockets take. An error, and it is as it was.
    BERTH_DECL static error_code suit(reservation_core* core, endpoint& destination) noexcept;
    /// Pre: suited. Empty, and why, if there is none.
    BERTH_DECL static bound_port draw(reservation_core& core, const endpoint& destination, error_code& ec) noexcept;
    /// Of a connect that failed. True, if that was it: the system has the tuple in use, so it rests, and another port
    /// is to be tried.
    BERTH_DECL static bool was_refused(bound_port& port, const endpoint& destination, const error_code& ec) noexcept;
    /// How many ports may be tried.
    BERTH_DECL static std::uint32_t ports_of(const reservation_core& core) noexcept;

    template <class Socket>
    static bool was_refused(bound<Socket>& connecting, const endpoint& destination, const error_code& ec) noexcept {
        return was_refused(connecting.port_, destination, ec);
    }

    template <class Socket, class Executor>
    static bound<Socket> draw_socket(reservation_core& core, const Executor& executor, const endpoint& destination,
                                     error_code& ec) {
        bound_port port = draw(core, destination, ec);
        Socket socket(executor);
        if (ec) return bound<Socket>(std::move(socket), bound_port());
        if constexpr (tells_if_lent<Socket>) {
            socket.assign_own(destination.protocol(), port.io_handle(), ec);
        } else {
            socket.assign(destination.protocol(), port.native_handle(), ec);
        }
        if (ec) return bound<Socket>(executor);
        return bound<Socket>(std::move(socket), std::move(port));
    }
};

}  // namespace berth::detail
