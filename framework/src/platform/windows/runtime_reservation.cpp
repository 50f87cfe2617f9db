// One block of the system's own; see runtime_reservation.hpp.
#include "platform/windows/runtime_reservation.hpp"

namespace berth::platform {
namespace {

constexpr DWORD token_size = sizeof(INET_PORT_RESERVATION_TOKEN);

}  // namespace

// Pre: nothing is held or under way.
int runtime_reservation::open_socket(const port_block& wanted) noexcept {
    if (wanted.count > 0xffff) return -WSAEINVAL;  // the structure has 16 bits for it
    const native_socket s = os_.socket(family_, tcp_ ? SOCK_STREAM : SOCK_DGRAM, tcp_ ? IPPROTO_TCP : IPPROTO_UDP);
    if (s < 0) return static_cast<int>(s);
    acquiring_ = s;
    range_ = {htons(wanted.first), static_cast<USHORT>(wanted.count)};
    call_ = {};
    watch_ = nullptr;
    return 0;
}

int runtime_reservation::ask() noexcept {
    DWORD returned = 0;
    return os_.ioctl(acquiring_, SIO_ACQUIRE_PORT_RESERVATION, &range_, sizeof range_, &instance_, sizeof instance_,
                     returned, &call_.overlapped);
}

int runtime_reservation::acquire(const port_block& wanted, DWORD patience_ms) noexcept {
    if (state_ == state::held) return 0;
    if (state_ == state::nothing) {
        if (const int r = open_socket(wanted); r < 0) return r;
        call_.overlapped.hEvent = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
        if (call_.overlapped.hEvent == nullptr) return finish(-WSA_NOT_ENOUGH_MEMORY);
        if (const int r = ask(); r != -WSA_IO_PENDING) return finish(r);
        state_ = state::pending;
    }
    const int r = os_.result(acquiring_, call_.overlapped, patience_ms);
    return r == -WSA_IO_INCOMPLETE ? -WSA_IO_PENDING : finish(r);
}

// What the system does at once comes to the port as well, unless it is a refusal.
int runtime_reservation::begin(const port_block& wanted, acquire_watch& watch, detail::waker& who) noexcept {
    if (state_ == state::held) return 0;
    if (state_ == state::nothing) {
        if (const int r = open_socket(wanted); r < 0) return r;
        if (const int r = watch.expect(acquiring_, call_, who); r < 0) return finish(r);
        if (const int r = ask(); r < 0 && r != -WSA_IO_PENDING) {
            watch.call_off();
            return finish(r);
        }
        watch_ = &watch;
        state_ = state::pending;
    }
    return watch.has_ended(call_) ? finish(os_.result(acquiring_, call_.overlapped, 0)) : -WSA_IO_PENDING;
}

void runtime_reservation::draw_from(std::uint64_t token, const port_block& block) noexcept {
    instance_.Reservation = {htons(block.first), static_cast<USHORT>(block.count)};
    instance_.Token.Token = token;
    state_ = state::held;
}

// What it got is checked: a block that is not the one asked for is not held.
int runtime_reservation::finish(int result) noexcept {
    const auto& got = instance_.Reservation;
    if (result >= 0 && (got.NumberOfPorts != range_.NumberOfPorts || instance_.Token.Token == 0 ||
                        (range_.StartPort != 0 && got.StartPort != range_.StartPort))) {
        result = -WSAEINVAL;
    }
    if (call_.overlapped.hEvent != nullptr) ::CloseHandle(call_.overlapped.hEvent);
    call_.overlapped.hEvent = nullptr;
    state_ = result >= 0 ? state::held : state::nothing;
    if (result >= 0) return 0;
    if (acquiring_ >= 0) os_.close(acquiring_);
    acquiring_ = -1;
    return result;
}

port_block runtime_reservation::block() const noexcept {
    return {ntohs(instance_.Reservation.StartPort), instance_.Reservation.NumberOfPorts};
}

int runtime_reservation::associate(native_socket socket) noexcept {
    DWORD returned = 0;
    return os_.ioctl(socket, SIO_ASSOCIATE_PORT_RESERVATION, &instance_.Token, token_size, nullptr, 0, returned,
                     nullptr);
}

// A pending acquire writes to this object: its end is waited for, and nothing that it got is kept.
void runtime_reservation::release() noexcept {
    if (state_ == state::pending) {
        os_.cancel(acquiring_, &call_.overlapped);
        if (watch_ != nullptr) watch_->wait_for_end(call_);
        finish(os_.result(acquiring_, call_.overlapped, watch_ != nullptr ? 0 : INFINITE));
    }
    if (state_ != state::held || acquiring_ < 0) return;
    DWORD returned = 0;
    os_.ioctl(acquiring_, SIO_RELEASE_PORT_RESERVATION, &instance_.Token, token_size, nullptr, 0, returned, nullptr);
    os_.close(acquiring_);
    acquiring_ = -1;
    state_ = state::nothing;
}

}  // namespace berth::platform
