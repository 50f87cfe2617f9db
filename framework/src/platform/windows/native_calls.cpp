// The synchronous socket calls on Windows; see include/berth/detail/native_calls.hpp.
//
// Every socket here is non-blocking, because a loop may hold it: what would block is waited for.
#include <berth/detail/native_calls.hpp>

#include "platform/message_flags.hpp"
#include "platform/way_there.hpp"
#include "platform/windows/winsock.hpp"
#include "platform/windows/wsa_parts.hpp"

#include <mstcpip.h>

namespace berth::detail {

using platform::as_native;
using platform::as_socket;

const int send_all_of_it = 0;  // a send takes all or says that there is no room

namespace {

void say(int& error, int result) noexcept { error = result == 0 ? 0 : ::WSAGetLastError(); }

short events_of(verb what) noexcept {
    switch (what) {
        case verb::readable:
        case verb::receive:
        case verb::accept:
            return POLLRDNORM;
        case verb::error:
            return POLLRDBAND;
        default:
            return POLLWRNORM;
    }
}

int wait_for(SOCKET socket, verb what) noexcept {
    WSAPOLLFD waiting{socket, events_of(what), 0};
    return ::WSAPoll(&waiting, 1, -1) < 0 ? ::WSAGetLastError() : 0;
}

/// Calls until it does not block, or at once says that it would. The call gives 0 or SOCKET_ERROR.
template <class Call>
void patiently(SOCKET socket, verb what, bool nonblocking, int& error, Call call) noexcept {
    for (;;) {
        say(error, call());
        if (error != WSAEWOULDBLOCK || nonblocking) return;
        if ((error = wait_for(socket, what)) != 0) return;
    }
}

/// One datagram's error is not the next one's: a socket that sent to a closed port would fail to receive.
void hear_of_no_unreachable_ports(SOCKET socket) noexcept {
    BOOL no = FALSE;
    DWORD size = 0;
    ::WSAIoctl(socket, SIO_UDP_CONNRESET, &no, sizeof no, nullptr, 0, &size, nullptr, nullptr);
}

}  // namespace

native_value open_native(int family, int type, int protocol, int& error) noexcept {
    error = platform::start_winsock();
    if (error != 0) return -1;
    const SOCKET made = ::WSASocketW(family, type, protocol, nullptr, 0,
                                     WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    say(error, made == INVALID_SOCKET ? SOCKET_ERROR : 0);
    if (made == INVALID_SOCKET) return -1;
    if (type == SOCK_DGRAM) hear_of_no_unreachable_ports(made);
    if (family == AF_INET6) {  // as elsewhere: dual-stack unless it is asked otherwise
        const DWORD no = 0;
        ::setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, reinterpret_cast<const char*>(&no), sizeof no);
    }
    return as_native(made);
}

void close_native(native_value socket, int& error) noexcept { say(error, ::closesocket(as_socket(socket))); }

void bind_native(native_value socket, const void* address, std::size_t size, int& error) noexcept {
    say(error, ::bind(as_socket(socket), static_cast<const sockaddr*>(address), static_cast<int>(size)));
}

void listen_native(native_value socket, int backlog, int& error) noexcept {
    say(error, ::listen(as_socket(socket), backlog));
}

void connect_native(native_value socket, const void* address, std::size_t size, bool nonblocking,
                    int& error) noexcept {
    const SOCKET s = as_socket(socket);
    say(error, ::connect(s, static_cast<const sockaddr*>(address), static_cast<int>(size)));
    if (error != WSAEWOULDBLOCK || nonblocking) return;
    if ((error = wait_for(s, verb::connect)) != 0) return;
    int length = sizeof error;
    ::getsockopt(s, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&error), &length);
}

bool is_taken_tuple(int error) noexcept { return error == WSAEADDRNOTAVAIL || error == WSAEADDRINUSE; }

native_value accept_native(native_value socket, void* address, std::size_t* size, bool nonblocking,
                           int& error) noexcept {
    SOCKET accepted = INVALID_SOCKET;
    patiently(as_socket(socket), verb::accept, nonblocking, error, [&] {
        int length = size != nullptr ? static_cast<int>(*size) : 0;
        accepted = ::accept(as_socket(socket), static_cast<sockaddr*>(address), address != nullptr ? &length : nullptr);
        if (accepted != INVALID_SOCKET && size != nullptr) *size = static_cast<std::size_t>(length);
        return accepted == INVALID_SOCKET ? SOCKET_ERROR : 0;
    });
    if (accepted == INVALID_SOCKET) return -1;
    platform::keep_from_children(accepted);
    return as_native(accepted);
}

void shutdown_native(native_value socket, int how, int& error) noexcept {
    say(error, ::shutdown(as_socket(socket), how));
}

void name_native(native_value socket, bool remote, void* address, std::size_t* size, int& error) noexcept {
    auto* const name = static_cast<sockaddr*>(address);
    int length = static_cast<int>(*size);
    const SOCKET s = as_socket(socket);
    say(error, remote ? ::getpeername(s, name, &length) : ::getsockname(s, name, &length));
    *size = static_cast<std::size_t>(length);
}

void set_option_native(native_value socket, int level, int name, const void* value, std::size_t size,
                       int& error) noexcept {
    say(error, ::setsockopt(as_socket(socket), level, name, static_cast<const char*>(value), static_cast<int>(size)));
}

void get_option_native(native_value socket, int level, int name, void* value, std::size_t* size,
                       int& error) noexcept {
    int length = static_cast<int>(*size);
    say(error, ::getsockopt(as_socket(socket), level, name, static_cast<char*>(value), &length));
    *size = static_cast<std::size_t>(length);
}

void control_native(native_value socket, int name, void* argument, int& error) noexcept {
    say(error, ::ioctlsocket(as_socket(socket), name, static_cast<u_long*>(argument)));
}

void set_nonblocking_native(native_value socket, bool on, int& error) noexcept {
    u_long mode = on ? 1 : 0;
    say(error, ::ioctlsocket(as_socket(socket), static_cast<long>(FIONBIO), &mode));
}

std::size_t available_native(native_value socket, int& error) noexcept {
    u_long size = 0;
    say(error, ::ioctlsocket(as_socket(socket), static_cast<long>(FIONREAD), &size));
    return error != 0 ? 0 : size;
}

std::uint32_t overflowed_native(native_value, int& error) noexcept {
    error = WSAEOPNOTSUPP;
    return 0;
}

void wait_native(native_value socket, verb what, int& error) noexcept { error = wait_for(as_socket(socket), what); }

std::size_t receive_native(native_value socket, const buffer_part* parts, std::size_t count, int flags, void* address,
                           std::size_t* size, bool nonblocking, int& error) noexcept {
    platform::wsa_parts buffers(parts, count);
    DWORD bytes = 0;
    patiently(as_socket(socket), verb::receive, nonblocking, error, [&] {
        int length = size != nullptr ? static_cast<int>(*size) : 0;
        DWORD in_and_out = static_cast<DWORD>(flags);
        const int r = ::WSARecvFrom(as_socket(socket), buffers.data(), buffers.count(), &bytes, &in_and_out,
                                    static_cast<sockaddr*>(address), address != nullptr ? &length : nullptr, nullptr,
                                    nullptr);
        if (size != nullptr) *size = static_cast<std::size_t>(length);
        if (r != 0 && ::WSAGetLastError() == WSAEMSGSIZE) {  // the datagram's rest is lost, as it is elsewhere
            bytes = static_cast<DWORD>(buffers.room());
            return 0;
        }
        return r;
    });
    return error != 0 ? 0 : bytes;
}

std::size_t send_native(native_value socket, const buffer_part* parts, std::size_t count, int flags,
                        const void* address, std::size_t size, bool nonblocking, int& error) noexcept {
    platform::wsa_parts buffers(parts, count);
    DWORD bytes = 0;
    patiently(as_socket(socket), verb::send, nonblocking, error, [&] {
        return ::WSASendTo(as_socket(socket), buffers.data(), buffers.count(), &bytes, static_cast<DWORD>(flags),
                           static_cast<const sockaddr*>(address), static_cast<int>(size), nullptr, nullptr);
    });
    return error != 0 ? 0 : bytes;
}

}  // namespace berth::detail

namespace berth::platform {

bool has_way_to(const void* address, std::size_t size) noexcept {
    const auto* const to = static_cast<const sockaddr*>(address);
    const SOCKET s = ::WSASocketW(to->sa_family, SOCK_DGRAM, 0, nullptr, 0, WSA_FLAG_NO_HANDLE_INHERIT);
    if (s == INVALID_SOCKET) return true;
    const DWORD no = 0;
    if (to->sa_family == AF_INET6) {
        ::setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, reinterpret_cast<const char*>(&no), sizeof no);
    }
    const bool has = ::connect(s, to, static_cast<int>(size)) == 0;
    ::closesocket(s);
    return has;
}

}  // namespace berth::platform
