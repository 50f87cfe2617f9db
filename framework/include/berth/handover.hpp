// A running server's ports pass to a new process: reservations, parked sockets, and the sockets it serves with.
//
// The old process (the predecessor) offers, the new one (the successor) receives, starts to serve, and completes;
// only then does the predecessor stop serving. Both have the very same sockets of the system meanwhile: no port is
// free for an instant, a client in a listener's queue stays there, a datagram is read by one of the two. All or
// nothing: if the successor ends before complete(), the predecessor goes on as if nothing had been; if the
// predecessor ends once all has come, the successor has everything, before that nobody. A child that either forked
// counts as that process until it ends, and cannot act for it. Both run as the same user, in one network namespace.
//
//   predecessor   offer, failure f;  offer.add(ports, "game", f);  offer.serve(ports, lobby.port(), "lobby", f);
//                 offer.async_hand_over(context, [&](error_code ec) { if (!ec) server.async_leave(10s, ...); });
//   successor     auto over = receive_handover("/run/game.handover", f);
//                 if (f.code == errc::service_unavailable) ...reserve: this is the first process...
//                 auto ports = over.take_reservation("game", ec);
//                 server.listen(over.take("lobby", ec));  server.start(...);  over.complete();
#pragma once

#include <berth/detail/handover_parts.hpp>
#include <berth/io_context.hpp>
#include <berth/tcp_socket.hpp>

#include <asio/async_result.hpp>
#include <asio/compose.hpp>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>

#include <chrono>
#include <type_traits>
#include <utility>

namespace berth::detail {

/// Waits on a descriptor that stays somebody else's, on berth's context or on Asio's.
template <class Context>
class descriptor_wait {
    static constexpr bool is_ours = std::is_base_of_v<io_context, Context>;
    using socket_type = std::conditional_t<is_ours, tcp_socket, asio::ip::tcp::socket>;

public:
    explicit descriptor_wait(Context& context) : socket_(context) {}
    descriptor_wait(const descriptor_wait&) = delete;
    descriptor_wait& operator=(const descriptor_wait&) = delete;
    ~descriptor_wait() { release(); }
    void assign(native_handle_type descriptor, error_code& ec) {
        if constexpr (is_ours) {
            io_access::adopt(socket_, asio::ip::tcp::v6(), static_cast<native_value>(descriptor), ec);
        } else {
            socket_.assign(asio::ip::tcp::v6(), descriptor, ec);
        }
    }
    void release() noexcept {
        error_code ignored;
        if (socket_.is_open()) socket_.release(ignored);
    }
    template <class Token>
    void async_wait(Token&& token) {
        socket_.async_wait(socket_type::wait_read, static_cast<Token&&>(token));
    }

private:
    socket_type socket_;
};

}  // namespace berth::detail

namespace berth::inline v0_1 {

/// The predecessor's side. Move-only. One thread at a time; the reservations may be drawn from by any meanwhile. Its
/// end closes the door; once a successor has received, it passes everything on as well, and if that one then ends
/// before its complete(), nobody has the ports. After the hand-over the reservations are as released with
/// if_taken::detach (draws fail with reservation_released); sockets that are out stay usable until they are given
/// back. A port that was not named rests in the successor's block (statistics: draining) until then, or until this
/// process ends; so does a named one that the successor gives back earlier. One that is given back while a descriptor
/// of this process still names its socket (duplicate(), a socket that was moved out, one that bind() was given) is
/// looked for again whenever another port of the reservation is given back; one whose socket was closed before it
/// went across comes back at this process's end. To stop receiving without losing what has been received: cancel the
/// receive, not the socket, go on until it ends with operation_aborted, then give back. A server: async_leave. In a
/// forked child every verb fails with `forked`.
class handover_offer {
public:
    handover_offer() noexcept = default;  ///< offers nothing
    /// Listens at `address`: a path (mode 0600), or '@' and a name in no file system. Errors: already_bound (another
    /// process offers there), invalid_argument, permission_denied, too_many_files, operation_not_supported.
    handover_offer(const std::string& address, failure& f) noexcept : parts_(detail::offering::open(address, f)) {}
    explicit handover_offer(const std::string& address) {
        failure f;
        parts_ = detail::offering::open(address, f);
        if (f) throw reservation_error(f);
    }

    explicit operator bool() const noexcept { return parts_ != nullptr; }

    /// The whole reservation goes across, under this name (at most 200 bytes). One that is released before is left
    /// out.
    void add(const port_reservation& r, std::string name, failure& f) noexcept {
        if (is_open(f)) parts_->add(r, std::move(name), f);
    }
    /// A port of an added reservation that the successor is to serve with, under this name. The name is that of the
    /// session that the port is out for now: given back and drawn anew, it has none until it is named again. One that
    /// is not out when it goes across is left out. port_outside_block.
    void serve(const port_reservation& r, transport protocol, std::uint16_t port, std::string name, failure& f) noexcept {
        if (is_open(f)) parts_->serve(r, protocol, port, std::move(name), f);
    }

    /// Waits for a successor and hands over to it. Transfers go by turns of at most 253 descriptors; a few go over
    /// all ports: when the successor has everything and when it completes (a microsecond a port), and when it ends in
    /// between, for all are parked anew (40 microseconds a port). A successor that says nothing for five seconds is
    /// hung up on, and the next one may come. Between the successor's receive and its complete() draws fail with
    /// reservation_released, however long it takes (after five seconds the log and why() say so): nothing but its end
    /// takes the ports back from it. If it ends in that time, all is as before. Completion signature
    /// void(error_code). Success: the successor serves, what is still out here is to be drained. operation_aborted:
    /// cancelled (any type), nothing has changed; once a successor has received, a cancellation comes too late and is
    /// ignored. too_many_files: nobody can be let in. operation_not_supported: it offers nothing, or has handed over
    /// already. forked: the offer is the parent's. no_memory: a successor that had not received everything was hung up
    /// on. An error of the wait ends the operation; the next one goes on where it was. Context: berth::io_context or
    /// asio::io_context. This object outlives the operation.
    template <class Context, class Token>
    auto async_hand_over(Context& context, Token&& token) {
        return asio::async_compose<Token, void(error_code)>(
            [parts = parts_, wait = std::make_unique<detail::descriptor_wait<Context>>(context), has_begun = false,
             is_over = false, result = error_code()](auto& self, error_code ec = {}) mutable {
                if (is_over) return self.complete(result);
                const auto end = [&](const error_code& how) {
                    wait->release();
                    result = how;
                    is_over = true;
                };
                if (!std::exchange(has_begun, true)) {
                    self.reset_cancellation_state(asio::enable_total_cancellation());
                    error_code refused = errc::operation_not_supported;
                    if (parts && parts->waits_on() != native_handle_type(-1))
                        wait->assign(parts->waits_on(), refused);
                    if (refused) {
                        end(refused);
                        return asio::post(std::move(self));
                    }
                } else if (ec == asio::error::operation_aborted && parts->abort()) {
                    end(asio::error::operation_aborted);
                } else if (ec && ec != asio::error::operation_aborted) {
                    end(ec);
                } else if (error_code how; parts->advance(how)) {
                    end(how);
                }
                if (is_over) return self.complete(result);
                auto& waiting = *wait;  // the lambda moves on with the operation
                waiting.async_wait(std::move(self));
            },
            token, context);
    }

    /// Why the last attempt of a successor's came to nothing, or that one has received and is silent; empty: none
    /// did, or the last one succeeded. Pre: it offers.
    [[nodiscard]] const failure& why() const noexcept { return parts_->why(); }

private:
    friend class handover;
    bool is_open(failure& f) const noexcept {
        if (!parts_) detail::offering::offers_nothing(f);
        return parts_ != nullptr;
    }
    explicit handover_offer(std::shared_ptr<detail::offering> parts) noexcept : parts_(std::move(parts)) {}
    std::shared_ptr<detail::offering> parts_;
};

/// What a predecessor handed over. Move-only, one thread at a time. Tokens are a process's own: these reservations
/// have new ones. If it ends without complete(): completes if anything that came may still be used here: a
/// reservation that was taken from it is held, or a port of one is out, exposed, or a caller's (those not taken are
/// released); otherwise all goes back to the predecessor. A forked child's copy does nothing. Pre of all but bool:
/// something came.
class handover {
public:
    handover() noexcept = default;  ///< nothing came

    explicit operator bool() const noexcept { return parts_ != nullptr; }
    /// In the order in which they were added.
    [[nodiscard]] const std::vector<handed_reservation>& reservations() const noexcept {
        return parts_->reservations();
    }
    /// The named ports, in their order.
    [[nodiscard]] const std::vector<handed_port>& ports() const noexcept { return parts_->ports(); }

    /// Once each. no_such_reservation: none, or none left, of this name.
    port_reservation take_reservation(std::string_view name, error_code& ec) {
        return parts_->take_reservation(name, ec);
    }
    /// The first port of this name that is left, open as it is: what waits in it is there. not_associated: none.
    bound_port take(std::string_view name, error_code& ec) {
        address_family ignored{};
        return take(name, ignored, ec);
    }
    /// As an Asio or berth socket or acceptor. protocol_mismatch: the port is of another kind, and is left.
    template <class Socket, class Executor>
    bound<Socket> take(std::string_view name, const Executor& executor, error_code& ec) {
        using protocol = typename Socket::protocol_type;
        for (const handed_port& p : ports()) {
            if (p.name == name && !fits<Socket>(p)) return ec = errc::protocol_mismatch, bound<Socket>(executor);
        }
        address_family family{};
        auto port = take(name, family, ec);
        if (ec) return bound<Socket>(executor);
        Socket socket(executor);
        socket.assign(family == address_family::ipv4 ? protocol::v4() : protocol::v6(), port.native_handle(), ec);
        if (ec) return bound<Socket>(executor);
        return bound<Socket>(std::move(socket), std::move(port));
    }

    /// This process serves: the predecessor lets go of everything and drains. To be called soon, because until then
    /// it cannot draw. If it died meanwhile, all is ours as well. Nothing is left to fail but the word itself: if the
    /// system cannot send it within the patience of the receive, that is logged and complete() is to be called again;
    /// so it is after std::bad_alloc.
    void complete() { parts_->complete(); }

    /// To hand over in turn, at the same address, at which no successor is ever refused meanwhile. Once, after
    /// complete().
    handover_offer offer(failure& f) noexcept { return handover_offer(parts_->offer(f)); }

private:
    friend handover receive_handover(const std::string&, failure&, std::chrono::milliseconds) noexcept;
    template <class Socket>
    static bool fits(const handed_port& p) {
        if constexpr (std::is_same_v<typename Socket::protocol_type, asio::ip::udp>) {
            return p.protocol == transport::udp;
        } else {
            return p.protocol == transport::tcp && (p.use == tcp_use::listen) == detail::acceptor<Socket>;
        }
    }
    bound_port take(std::string_view name, address_family& family, error_code& ec) {
        for (std::size_t i = 0; i < ports().size(); ++i) {
            if (ports()[i].name != name) continue;
            auto port = parts_->take_port(i, ec);
            family = ports()[i].family;
            if (port) return port;
        }
        return ec = errc::not_associated, bound_port();
    }
    std::unique_ptr<detail::receiving> parts_;
};

/// Takes over what a predecessor offers at `address`. Blocks for some microseconds a port, and never longer than
/// `patience` for an answer. Empty and a failure otherwise: service_unavailable (nobody offers there: reserve
/// instead), permission_denied, too_many_files (before anything has changed), wrong_namespace, operation_aborted (the
/// predecessor called it off, does not answer, or has no place in line), system_failure, …; then the predecessor has
/// everything.
inline handover receive_handover(const std::string& address, failure& f,
                                 std::chrono::milliseconds patience = std::chrono::seconds(10)) noexcept {
    handover over;
    over.parts_ = detail::receiving::receive(address, patience, f);
    return over;
}
inline handover receive_handover(const std::string& address,
                                 std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    failure f;
    auto over = receive_handover(address, f, patience);
    if (f) throw reservation_error(f);
    return over;
}

}  // namespace berth::v0_1
