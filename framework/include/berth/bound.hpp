// A bound socket out of a block: an Asio socket or acceptor, and the port that it stands on, with one owner.
//
// Move-only; its destructor takes the socket out of Asio (pending operations end with operation_aborted) and gives
// the port back. A socket that was closed or moved away meanwhile is noticed: its port is condemned, then renewed.
#pragma once

#include <berth/bound_port.hpp>

#include <utility>

namespace berth::detail {

/// berth's own sockets: whoever only sent, received or accepted with one need not have it audited at give back.
template <class Socket>
concept tells_if_lent = requires(const Socket& s) {
    s.was_lent();
};

}  // namespace berth::detail

namespace berth::inline v0_1 {

template <class Socket>
class bound {
public:
    using socket_type = Socket;

    bound(bound&&) noexcept = default;
    bound& operator=(bound&& other) noexcept {
        if (this != &other) {
            error_code ignored;
            give_back(ignored);
            socket_ = std::move(other.socket_);
            port_ = std::move(other.port_);
        }
        return *this;
    }
    ~bound() {
        error_code ignored;
        give_back(ignored);
    }

    /// A socket without a port: what a failed take returns. `*b` is not open.
    template <class Executor>
    explicit bound(const Executor& executor) : socket_(executor) {}

    /// The parts of a successful take. Pre: socket is the one of port.
    bound(Socket socket, bound_port port) noexcept : socket_(std::move(socket)), port_(std::move(port)) {}

    explicit operator bool() const noexcept { return static_cast<bool>(port_); }
    Socket& operator*() noexcept { return socket_; }
    Socket* operator->() noexcept { return &socket_; }
    const Socket& operator*() const noexcept { return socket_; }
    const Socket* operator->() const noexcept { return &socket_; }

    /// The port, host byte order; 0 if none is held.
    [[nodiscard]] std::uint16_t port() const noexcept { return port_.port(); }

    /// Post: the socket is not open and no port is held. Pending operations complete with operation_aborted.
    void give_back(error_code& ec) noexcept {
        ec = {};
        if (!port_) return;
        if (holds_the_ports_socket()) {
            if constexpr (detail::tells_if_lent<Socket>) {
                if (socket_.was_lent()) port_.uses_ |= bound_port::lent;
            }
            socket_.release(ec);
            if (ec) {  // this system does not let it out of Asio's hands: it ends in them
                port_.uses_ |= bound_port::lost;
                socket_.close(ec);
            }
        } else {
            port_.uses_ |= bound_port::lost;
            socket_.close(ec);
        }
        port_.give_back(ec);
    }

private:
    // Not so after a close, after a move in or out, and after a close and an open that got the same number again.
    bool holds_the_ports_socket() noexcept {
        error_code unbound;
        return has_descriptor(port_.io_handle()) && socket_.local_endpoint(unbound).port() == port_.port();
    }
    bool has_descriptor(native_handle_type handle) noexcept {
        if constexpr (detail::tells_if_lent<Socket>) {
            return socket_.is(handle);
        } else {
            return socket_.is_open() && socket_.native_handle() == handle;
        }
    }

    friend struct detail::outbound_draws;
    Socket socket_;
    bound_port port_;
};

}  // namespace berth::v0_1
