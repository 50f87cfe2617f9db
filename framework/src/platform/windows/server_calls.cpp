// See server_calls.hpp.
#include "platform/server_calls.hpp"

#include "platform/windows/winsock.hpp"

namespace berth::platform {

accept_trouble accept_trouble_of(int error) noexcept {
    switch (error) {
        case ERROR_OPERATION_ABORTED: return accept_trouble::aborted;
        case WSAEMFILE:
        case WSAENOBUFS:
        case ERROR_NOT_ENOUGH_MEMORY: return accept_trouble::shortage;
        case WSAEWOULDBLOCK:
        case WSAECONNABORTED:
        case WSAECONNRESET:
        case WSAENETDOWN:
        case WSAENETUNREACH:
        case WSAEHOSTUNREACH:
        case WSAEHOSTDOWN:
        case ERROR_NETNAME_DELETED:
        case WSAETIMEDOUT: return accept_trouble::connection;
        default: return accept_trouble::other;
    }
}

native_socket duplicate(native_socket socket, int& error) noexcept {
    WSAPROTOCOL_INFOW description;
    SOCKET made = INVALID_SOCKET;
    if (::WSADuplicateSocketW(as_socket(socket), ::GetCurrentProcessId(), &description) == 0) {
        made = ::WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &description, 0,
                            WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    }
    error = made == INVALID_SOCKET ? ::WSAGetLastError() : 0;
    return as_native(made);
}

bool lacks_syn_cookies() noexcept { return false; }

void close_with_reset(native_socket socket) noexcept {
    const ::linger now{1, 0};
    ::setsockopt(as_socket(socket), SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&now), sizeof now);
    ::closesocket(as_socket(socket));
}

}  // namespace berth::platform
