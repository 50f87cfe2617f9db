// One block of the system's own: SIO_ACQUIRE_PORT_RESERVATION, and what is drawn from it.
//
// The acquiring socket never binds, connects or leaves this object: the block lives exactly as long as that socket.
// The acquire is overlapped, because the document lets it block for ever: its end is waited for by an event, or comes
// to a completion port and wakes. The other two calls are not overlapped, they end at once.
// Ports are in host byte order here and in network byte order in the calls.
#pragma once

#include "platform/windows/acquire_watch.hpp"

#include <berth/port_block.hpp>

namespace berth::platform {

class runtime_reservation {
public:
    runtime_reservation(windows_calls& os, int family, bool tcp) noexcept : os_(os), family_(family), tcp_(tcp) {}
    ~runtime_reservation() { release(); }
    runtime_reservation(const runtime_reservation&) = delete;
    runtime_reservation& operator=(const runtime_reservation&) = delete;

    /// Begins it, or goes on waiting, `patience_ms` at most. 0: held. -WSA_IO_PENDING: call again. Else nothing is
    /// held. A wildcard block's first port is in block() afterwards.
    int acquire(const port_block& wanted, DWORD patience_ms) noexcept;
    /// Begins it, and never waits. 0 and anything else as above; -WSA_IO_PENDING: call again when `who` was told,
    /// which happens once. The same `who` each time.
    int begin(const port_block& wanted, acquire_watch& watch, detail::waker& who) noexcept;
    /// It was begun and its end has not come.
    [[nodiscard]] bool is_waiting() noexcept {
        return state_ == state::pending && watch_ && !watch_->has_ended(call_);
    }
    /// Its end is to come soon, whichever.
    void stop_waiting() noexcept {
        if (state_ == state::pending) os_.cancel(acquiring_, &call_.overlapped);
    }
    /// In place of acquire: the block is the system's, and a token of it known. Post: held; release() leaves it
    /// alone.
    void draw_from(std::uint64_t token, const port_block& block) noexcept;
    [[nodiscard]] bool is_held() const noexcept { return state_ == state::held; }
    [[nodiscard]] port_block block() const noexcept;

    /// The socket's next bind to port 0 draws from the block. Pre: held, the socket is unbound.
    int associate(native_socket socket) noexcept;

    /// SIO_RELEASE, then the acquiring socket's end, which ends the block whatever the release says. Sockets bound to
    /// ports of it keep them.
    void release() noexcept;

private:
    enum class state : std::uint8_t { nothing, pending, held };
    int open_socket(const port_block& wanted) noexcept;
    int ask() noexcept;
    int finish(int result) noexcept;

    windows_calls& os_;
    const int family_;
    const bool tcp_;
    state state_ = state::nothing;
    native_socket acquiring_ = -1;
    INET_PORT_RANGE range_{};
    INET_PORT_RESERVATION_INSTANCE instance_{};
    watched_call call_{};
    acquire_watch* watch_ = nullptr;  // of the call that was begun; nullptr: it has an event
};

}  // namespace berth::platform
