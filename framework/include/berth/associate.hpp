// The documents' two steps for a caller's own socket: associate it with a reservation, then bind it.
//
// associate remembers, bind acts: the port comes out of the associated block, and the session socket of that port
// takes the place of the caller's socket under the same descriptor (or inside the same Asio object; pending
// operations end with operation_aborted). Do both before the descriptor is registered with any event queue of the
// caller's own. Options that can be read and undone are carried over; filters, memberships and bound devices are
// refused by name. Documents: SIO_ASSOCIATE_PORT_RESERVATION, and "Remarks" of SIO_ACQUIRE_PORT_RESERVATION for
// reserve_on.
#pragma once

#include <berth/port_reservation.hpp>

#include <asio/ip/address.hpp>
#include <asio/ip/basic_endpoint.hpp>

namespace berth::inline v0_1 {

/// Address and port of a bind, of either protocol. port 0: any port of the block, host byte order.
struct bind_endpoint {
    asio::ip::address address{};
    std::uint16_t port = 0;
    bind_endpoint() = default;
    bind_endpoint(asio::ip::address a, std::uint16_t p) : address(std::move(a)), port(p) {}
    template <class Protocol>
    bind_endpoint(const asio::ip::basic_endpoint<Protocol>& e) : address(e.address()), port(e.port()) {}
};

}  // namespace berth::v0_1

namespace berth::detail {

/// A socket of an Asio object; raw descriptors have functions of their own.
template <class Socket>
concept asio_socket = requires(Socket& s) {
    s.get_executor();
    s.native_handle();
    typename Socket::protocol_type;
};

/// Of a TCP or UDP socket, bound or not.
BERTH_DECL bool is_ipv6(native_handle_type socket, error_code& ec) noexcept;

/// The protocol that an open Asio object was opened with. Windows tells no endpoint of a socket that is not bound.
template <asio_socket Socket>
typename Socket::protocol_type protocol_of(Socket& socket, error_code& ec) {
    using protocol = typename Socket::protocol_type;
    const auto told = socket.local_endpoint(ec).protocol();
    if (!ec) return told;
    if (!socket.is_open()) return ec = errc::not_a_socket, told;
    return is_ipv6(socket.native_handle(), ec) ? protocol::v6() : protocol::v4();
}

inline void in_words(failure& f, const char* what) {
    if (f.code) f.what = what + (": " + f.code.message());
}

inline void throw_on(const failure& f) {
    if (f) throw reservation_error(f);
}

/// Closes a descriptor that its object could not take back, and gives its port back if it has one.
BERTH_DECL void put_away(native_handle_type socket, bool is_bound) noexcept;
}  // namespace berth::detail

namespace berth::inline v0_1 {

/// Associates an unbound TCP or UDP socket of this process with the reservation. Post: bind() draws from it; nothing
/// else changed. A second associate replaces the first. Thread-safe. Errors: not_a_socket, operation_not_supported,
/// already_bound, invalid_token, permission_denied, protocol_mismatch, family_mismatch, wrong_namespace, forked.
BERTH_DECL void associate(native_handle_type socket, reservation_token token, error_code& ec) noexcept;

/// Binds an associated socket to a port of its block. Post: the descriptor is the session socket of that port, open;
/// a TCP socket of a listening block listens already (listen() changes its backlog). The port returns to the block
/// after close() of all its descriptors, when berth next looks (reclaim, a take that found nothing), or at once by
/// give_back(). Errors: not_associated, block_exhausted, port_outside_block, port_taken, address_mismatch,
/// family_mismatch, option_refused (failure form: which option), reservation_released.
BERTH_DECL void bind(native_handle_type socket, const bind_endpoint& endpoint, failure& f) noexcept;
BERTH_DECL void bind(native_handle_type socket, const bind_endpoint& endpoint, error_code& ec) noexcept;

/// Closes a socket that bind() gave a port, and gives the port back. not_associated if it has none (then not closed).
BERTH_DECL void give_back(native_handle_type socket, error_code& ec) noexcept;

/// The documents' result of an acquire.
struct reservation_instance {
    port_block block{};
    reservation_token token{};
};

/// Reserves a block that lives as long as `socket`: when its last descriptor in this process closes, the block is
/// released, and sockets bound to it are detached. The request's protocol and family follow the socket. Several
/// blocks on one socket are legal, and so is associating that very socket. `use`: what the TCP ports of the block are
/// for. Noticed within 10 ms, and at once by every call that names the token.
BERTH_DECL reservation_instance reserve_on(native_handle_type socket, const port_block& block, failure& f,
                                           tcp_use use = tcp_use::listen) noexcept;

/// Releases a runtime reservation by token, from any TCP or UDP socket of the process that acquired it. Bound sockets
/// are detached. Errors: not_a_socket, operation_not_supported, invalid_token (a persistent reservation's too), forked.
BERTH_DECL void release(native_handle_type socket, reservation_token token, failure& f) noexcept;

// --- the same for Asio sockets and acceptors; what is not open is not_a_socket ---

template <detail::asio_socket Socket>
void associate(Socket& socket, reservation_token token, error_code& ec) {
    associate(socket.native_handle(), token, ec);
}

template <detail::asio_socket Socket>
void associate(Socket& socket, reservation_token token) {
    failure f;
    associate(socket, token, f.code);
    if (f.code) f.what = "associate";
    detail::throw_on(f);
}

template <detail::asio_socket Socket>
void bind(Socket& socket, const bind_endpoint& endpoint, failure& f) {
    f = {};
    const auto protocol = detail::protocol_of(socket, f.code);
    if (f.code) return detail::in_words(f, "bind");
    const auto handle = socket.release(f.code);  // Asio's event queue must not know the descriptor while it changes
    if (f.code) return detail::in_words(f, "bind: Asio's event queue does not let go of the socket (Windows: from 8.1 on)");
    bind(handle, endpoint, f);
    const bool is_bound = !f.code;
    try {
        error_code assigned;
        socket.assign(protocol, handle, assigned);
        if (assigned) detail::put_away(handle, is_bound);
        if (!is_bound) return;
        f.code = assigned;
        detail::in_words(f, "bind: Asio does not take the bound socket");
    } catch (...) {  // no memory for the event queue to know it
        detail::put_away(handle, is_bound);
        throw;
    }
}

template <detail::asio_socket Socket>
void bind(Socket& socket, const bind_endpoint& endpoint, error_code& ec) {
    failure f;
    bind(socket, endpoint, f);
    ec = f.code;
}

template <detail::asio_socket Socket>
void bind(Socket& socket, const bind_endpoint& endpoint) {
    failure f;
    bind(socket, endpoint, f);
    detail::throw_on(f);
}

template <detail::asio_socket Socket>
void give_back(Socket& socket, error_code& ec) {
    const auto protocol = detail::protocol_of(socket, ec);
    if (ec) return;
    const auto handle = socket.release(ec);
    if (ec) return;
    give_back(handle, ec);
    error_code assigned;
    if (ec) socket.assign(protocol, handle, assigned);
}

template <detail::asio_socket Socket>
reservation_instance reserve_on(Socket& socket, const port_block& block, failure& f, tcp_use use = tcp_use::listen) {
    return reserve_on(socket.native_handle(), block, f, use);
}

template <detail::asio_socket Socket>
void release(Socket& socket, reservation_token token, failure& f) {
    release(socket.native_handle(), token, f);
}

}  // namespace berth::v0_1
