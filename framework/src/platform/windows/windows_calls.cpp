// Winsock as it is; see windows_calls.hpp. What is looked up at run time: system_functions.cpp.
#include "platform/windows/windows_calls.hpp"

#include "platform/windows/winsock.hpp"

#ifndef WSA_FLAG_NO_HANDLE_INHERIT
#define WSA_FLAG_NO_HANDLE_INHERIT 0x80
#endif

namespace berth::platform {
namespace {

SOCKET winsock(native_socket s) noexcept { return static_cast<SOCKET>(s); }
int or_error(int r) noexcept { return r == SOCKET_ERROR ? -WSAGetLastError() : r; }
native_socket or_error(SOCKET s) noexcept {
    return s == INVALID_SOCKET ? -native_socket{WSAGetLastError()} : static_cast<native_socket>(s);
}
int last_error() noexcept { return -static_cast<int>(GetLastError()); }

// Before Windows 7 SP1 the flag is not known: an inherited handle is then taken back at once.
SOCKET make_socket(int family, int type, int protocol, WSAPROTOCOL_INFOW* of) noexcept {
    const SOCKET s = WSASocketW(family, type, protocol, of, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (s != INVALID_SOCKET || WSAGetLastError() != WSAEINVAL) return s;
    const SOCKET inherited = WSASocketW(family, type, protocol, of, 0, WSA_FLAG_OVERLAPPED);
    if (inherited != INVALID_SOCKET)
        SetHandleInformation(reinterpret_cast<HANDLE>(inherited), HANDLE_FLAG_INHERIT, 0);
    return inherited;
}

}  // namespace

native_socket winsock_calls::socket(int family, int type, int protocol) noexcept {
    return or_error(make_socket(family, type, protocol, nullptr));
}
int winsock_calls::close(native_socket s) noexcept { return or_error(::closesocket(winsock(s))); }
int winsock_calls::bind(native_socket s, const sockaddr* address, int size) noexcept {
    return or_error(::bind(winsock(s), address, size));
}
int winsock_calls::listen(native_socket s, int backlog) noexcept { return or_error(::listen(winsock(s), backlog)); }
native_socket winsock_calls::accept(native_socket s) noexcept {
    return or_error(::accept(winsock(s), nullptr, nullptr));
}
int winsock_calls::shutdown(native_socket s, int how) noexcept { return or_error(::shutdown(winsock(s), how)); }
int winsock_calls::recv(native_socket s, void* data, int size) noexcept {
    return or_error(::recv(winsock(s), static_cast<char*>(data), size, 0));
}
int winsock_calls::getsockname(native_socket s, sockaddr_storage& name) noexcept {
    int size = sizeof name;
    return or_error(::getsockname(winsock(s), reinterpret_cast<sockaddr*>(&name), &size));
}
int winsock_calls::getpeername(native_socket s, sockaddr_storage& name) noexcept {
    int size = sizeof name;
    return or_error(::getpeername(winsock(s), reinterpret_cast<sockaddr*>(&name), &size));
}
int winsock_calls::getsockopt(native_socket s, int level, int name, void* value, int* size) noexcept {
    return or_error(::getsockopt(winsock(s), level, name, static_cast<char*>(value), size));
}
int winsock_calls::setsockopt(native_socket s, int level, int name, const void* value, int size) noexcept {
    return or_error(::setsockopt(winsock(s), level, name, static_cast<const char*>(value), size));
}
int winsock_calls::set_blocking(native_socket s, bool blocking) noexcept {
    u_long without = blocking ? 0 : 1;
    return or_error(::ioctlsocket(winsock(s), static_cast<long>(FIONBIO), &without));
}
int winsock_calls::select_no_events(native_socket s) noexcept {
    return or_error(::WSAEventSelect(winsock(s), nullptr, 0));
}

int winsock_calls::ioctl(native_socket s, DWORD code, const void* in, DWORD in_size, void* out, DWORD out_size,
                         DWORD& returned, OVERLAPPED* overlapped) noexcept {
    return or_error(
        ::WSAIoctl(winsock(s), code, const_cast<void*>(in), in_size, out, out_size, &returned, overlapped, nullptr));
}
// The status is looked at as well as the event: Wine ends a call that it does not know without setting it.
int winsock_calls::result(native_socket s, OVERLAPPED& overlapped, DWORD timeout_ms) noexcept {
    constexpr DWORD slice = 20;  // milliseconds
    for (DWORD left = timeout_ms;;) {
        DWORD bytes = 0, flags = 0;
        if (::WSAGetOverlappedResult(winsock(s), &overlapped, &bytes, FALSE, &flags)) return 0;
        const int error = ::WSAGetLastError();
        if (error != WSA_IO_INCOMPLETE || left == 0) return -error;
        const DWORD now = left < slice ? left : slice;
        ::WaitForSingleObject(overlapped.hEvent, now);
        if (timeout_ms != INFINITE) left -= now;
    }
}
int winsock_calls::cancel(native_socket s, OVERLAPPED* overlapped) noexcept {
    return ::CancelIoEx(handle_of(s), overlapped) ? 0 : last_error();
}

native_socket winsock_calls::duplicate(native_socket s) noexcept {
    WSAPROTOCOL_INFOW same{};
    if (const int r = or_error(::WSADuplicateSocketW(winsock(s), ::GetCurrentProcessId(), &same)); r < 0) return r;
    return or_error(make_socket(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &same));
}
int winsock_calls::name(native_socket s, HANDLE& out) noexcept {
    const HANDLE self = ::GetCurrentProcess();
    return ::DuplicateHandle(self, handle_of(s), self, &out, 0, FALSE, DUPLICATE_SAME_ACCESS) ? 0 : last_error();
}
int winsock_calls::let_go(HANDLE h) noexcept { return ::CloseHandle(h) ? 0 : last_error(); }

int winsock_calls::make_completion_port(HANDLE& out) noexcept {
    out = ::CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1);
    return out != nullptr ? 0 : last_error();
}
int winsock_calls::fetch_completion(HANDLE port, OVERLAPPED*& out, DWORD timeout_ms) noexcept {
    DWORD bytes = 0;
    ULONG_PTR key = 0;
    out = nullptr;
    // Also false for a call that failed: then there is one.
    return ::GetQueuedCompletionStatus(port, &bytes, &key, &out, timeout_ms) || out != nullptr ? 0 : last_error();
}
int winsock_calls::post_completion(HANDLE port, OVERLAPPED* which) noexcept {
    return ::PostQueuedCompletionStatus(port, 0, 0, which) ? 0 : last_error();
}
std::uint32_t winsock_calls::process() noexcept { return ::GetCurrentProcessId(); }

windows_calls& real_windows_calls() noexcept {
    static winsock_calls calls;
    start_winsock();  // refused: each verb says WSANOTINITIALISED
    return calls;
}

}  // namespace berth::platform
