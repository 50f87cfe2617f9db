// Emptying: at give back, while a port rests, and at take; see windows_block.hpp.
//
// A parked socket is still heard by the system, so take throws away what came meanwhile, and nothing of it reaches
// the session. A drain ends at WSAEWOULDBLOCK and at nothing else: an empty datagram or an error is thrown away too.
// A listener listens all its life: that it stopped could only be had by closing it.
#include "platform/windows/windows_block.hpp"
#include "platform/windows/winsock_address.hpp"
#include "platform/windows/winsock_failure.hpp"

#include <mswsock.h>

#include <cstring>

namespace berth::platform {
namespace {

constexpr int drain_limit = 1 << 20;  // a flood that outruns us is an error, not an endless loop

bool is_no_socket(int r) noexcept { return r == -WSAENOTSOCK || r == -WSA_INVALID_HANDLE || r == -WSANOTINITIALISED; }

}  // namespace

int windows_block::drain_datagrams(native_socket s, std::uint32_t& discarded) noexcept {
    char sink[1];
    for (int i = 0; i < drain_limit; ++i) {
        const int r = os_.recv(s, sink, sizeof sink);
        if (r == -WSAEWOULDBLOCK) return 0;
        if (is_no_socket(r) || r == -WSAENOBUFS || r == -WSAENETDOWN || r == -WSAEINVAL || r == -WSAESHUTDOWN)
            return r;
        ++discarded;  // longer than the sink (WSAEMSGSIZE), empty, or an error that waited
    }
    return -WSAENOBUFS;
}

int windows_block::drain_accept_queue(native_socket s, std::uint32_t& discarded) noexcept {
    for (int i = 0; i < drain_limit; ++i) {
        const native_socket client = os_.accept(s);
        if (client == -WSAEWOULDBLOCK) return 0;
        if (client == -WSAECONNRESET || client == -WSAEINTR) continue;  // it went away by itself
        if (client < 0) return static_cast<int>(client);
        end(client);
        ++discarded;
    }
    return -WSAENOBUFS;
}

int windows_block::drain(native_socket s, std::uint32_t& discarded) noexcept {
    if (is_udp()) return drain_datagrams(s, discarded);
    return is_listener() ? drain_accept_queue(s, discarded) : 0;
}

error_code windows_block::open(std::uint32_t index, std::uint32_t& discarded) noexcept {
    const int r = drain(slots_[index].session, discarded);
    return r < 0 ? code_of(r) : error_code();
}

// An outbound socket that nobody connected. On one address an attempt that failed does not show, so it counts as one.
bool windows_block::is_untouched(std::uint32_t index) noexcept {
    const native_socket s = slots_[index].session;
    if (!request_.address.is_unspecified()) return false;
    sockaddr_storage name{}, remote{};
    if (os_.getsockname(s, name) < 0 || os_.getpeername(s, remote) != -WSAENOTCONN) return false;
    DWORD connected_for = 0;
    int size = sizeof connected_for;
    if (os_.getsockopt(s, SOL_SOCKET, SO_CONNECT_TIME, &connected_for, &size) < 0 || connected_for != ~DWORD{0}) {
        return false;
    }
    const auto bound_to = make_address(family(), {}, port_at(index));
    return family() == AF_INET ? reinterpret_cast<const sockaddr_in&>(name).sin_addr.s_addr == 0
                               : std::memcmp(&reinterpret_cast<const sockaddr_in6&>(name).sin6_addr,
                                             &bound_to.storage.sin6_addr, sizeof(in6_addr)) == 0;
}

// UDP: memberships, modes and a remote address leave no trace that can be read, so whatever was lent is replaced.
bool windows_block::is_as_new(std::uint32_t index, bool lent) noexcept {
    const native_socket s = slots_[index].session;
    if (!methods_.leaving.take_off(os_, s)) return false;
    switch (request_.kind) {
        case port_kind::udp:
            return !lent;
        case port_kind::tcp_connect:
            return !lent && is_untouched(index);
        case port_kind::tcp_listen:
            break;
    }
    if (!lent) return true;
    return get_flag(os_, s, SOL_SOCKET, SO_ACCEPTCONN) == 1 && audit_.restore(os_, s) &&
           os_.listen(s, request_.backlog) >= 0;  // the backlog is the caller's to change as well
}

park_result windows_block::park(std::uint32_t index, bool lent) noexcept {
    auto& slot = slots_[index];
    park_result out;
    if (slot.session < 0 || (lent && !still_ours(index))) {  // not ours to touch, let alone to close
        slot.session = -1;
        out.condemned = true;
        return out;
    }
    if (lent) os_.cancel(slot.session, nullptr);
    if (lent) os_.set_blocking(slot.session, false);
    const bool is_empty = drain(slot.session, out.discarded) >= 0;
    if (lent && others_of(index) != 0) {
        out.condemned = true;
    } else if (!is_empty || !is_as_new(index, lent)) {
        out.condemned = renew(index) != renewal::renewed;
    }
    return out;
}

void windows_block::lose(std::uint32_t index) noexcept {
    auto& slot = slots_[index];
    slot.session = -1;
    // Closed everywhere else: the holder would keep the connection from ending.
    if (request_.kind != port_kind::tcp_connect || slot.holder < 0) return;
    std::uint32_t handles = 0;
    if (os_.count_handles(handle_of(slot.holder), handles) >= 0 && handles == 1) os_.shutdown(slot.holder, SD_BOTH);
}

std::uint32_t windows_block::heard(std::uint32_t index) noexcept {
    auto& slot = slots_[index];
    if (slot.session >= 0) drain(slot.session, slot.heard);
    return slot.heard;
}

}  // namespace berth::platform
