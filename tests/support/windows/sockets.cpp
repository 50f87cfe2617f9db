// See sockets.hpp. Winsock is started by Asio, whose headers this includes, before main begins.
#include "support/sockets.hpp"

#include <asio/detail/winsock_init.hpp>

#include <tlhelp32.h>

namespace berth::test {
namespace {

const asio::detail::winsock_init<> started;

socket_handle opened(int type) noexcept {
    return ::WSASocketW(AF_INET, type, 0, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

bool wait_for(SOCKET socket, short what, std::chrono::milliseconds limit) noexcept {
    WSAPOLLFD waiting{socket, what, 0};
    return ::WSAPoll(&waiting, 1, static_cast<int>(limit.count())) > 0;
}

const char* bytes_of(const void* data) noexcept { return static_cast<const char*>(data); }

}  // namespace

int last_error() noexcept { return ::WSAGetLastError(); }
trouble last_trouble() noexcept {
    switch (::WSAGetLastError()) {
        case 0: return trouble::none;
        case WSAETIMEDOUT:
        case WSAEWOULDBLOCK: return trouble::would_block;
        case WSAECONNREFUSED: return trouble::refused;
        case WSAECONNABORTED:
        case WSAECONNRESET: return trouble::reset;
        default: return trouble::other;
    }
}

socket_handle open_tcp() noexcept { return opened(SOCK_STREAM); }
socket_handle open_udp() noexcept { return opened(SOCK_DGRAM); }
void close_socket(socket_handle socket) noexcept { ::closesocket(socket); }
void close_with_reset(socket_handle socket) noexcept {
    const linger now{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, bytes_of(&now), sizeof now);
    ::closesocket(socket);
}
void end_sending(socket_handle socket) noexcept { ::shutdown(socket, SD_SEND); }
void set_nonblocking(socket_handle socket, bool on) noexcept {
    u_long mode = on ? 1 : 0;
    ::ioctlsocket(socket, static_cast<long>(FIONBIO), &mode);
}
void give_up_after(socket_handle socket, std::chrono::milliseconds limit) noexcept {
    const auto patience = static_cast<DWORD>(limit.count());
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, bytes_of(&patience), sizeof patience);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, bytes_of(&patience), sizeof patience);
}
socket_handle another_handle(socket_handle socket) noexcept {
    WSAPROTOCOL_INFOW description;
    if (::WSADuplicateSocketW(socket, ::GetCurrentProcessId(), &description) != 0) return no_socket;
    return ::WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &description, 0,
                        WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

bool bind_address(socket_handle socket, const void* address, std::size_t size) noexcept {
    return ::bind(socket, static_cast<const sockaddr*>(address), static_cast<int>(size)) == 0;
}
bool connect_address(socket_handle socket, const void* address, std::size_t size) noexcept {
    return ::connect(socket, static_cast<const sockaddr*>(address), static_cast<int>(size)) == 0;
}
std::ptrdiff_t send_to_address(socket_handle socket, const void* data, std::size_t bytes, const void* address,
                               std::size_t size) noexcept {
    return ::sendto(socket, bytes_of(data), static_cast<int>(bytes), 0, static_cast<const sockaddr*>(address),
                    static_cast<int>(size));
}
std::ptrdiff_t send_some(socket_handle socket, const void* data, std::size_t bytes) noexcept {
    return ::send(socket, bytes_of(data), static_cast<int>(bytes), 0);
}
std::ptrdiff_t receive_some(socket_handle socket, void* data, std::size_t bytes) noexcept {
    return ::recv(socket, static_cast<char*>(data), static_cast<int>(bytes), 0);
}
bool wait_readable(socket_handle socket, std::chrono::milliseconds limit) noexcept {
    return wait_for(socket, POLLRDNORM, limit);
}
bool wait_writable(socket_handle socket, std::chrono::milliseconds limit) noexcept {
    return wait_for(socket, POLLWRNORM, limit);
}
void set_option(socket_handle socket, int level, int name, int value) noexcept {
    ::setsockopt(socket, level, name, bytes_of(&value), sizeof value);
}
int option_of(socket_handle socket, int level, int name) noexcept {
    int value = 0, size = sizeof value;
    return ::getsockopt(socket, level, name, reinterpret_cast<char*>(&value), &size) == 0 ? value : -1;
}
bool shares_its_port(socket_handle socket) noexcept { return option_of(socket, SOL_SOCKET, SO_REUSEADDR) != 0; }
int pending_error(socket_handle socket) noexcept {
    int error = 0, size = sizeof error;
    return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&error), &size) == 0 ? error
                                                                                                   : last_error();
}

const char* wine() noexcept {
    const auto version = reinterpret_cast<const char* (*)()>(
        reinterpret_cast<void*>(::GetProcAddress(::GetModuleHandleW(L"ntdll.dll"), "wine_get_version")));
    return version == nullptr ? nullptr : version();
}
std::size_t descriptors_now() {
    DWORD count = 0;
    ::GetProcessHandleCount(::GetCurrentProcess(), &count);
    return count;
}
std::size_t threads_now() {
    const HANDLE all = ::CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    THREADENTRY32 entry{};
    entry.dwSize = sizeof entry;
    std::size_t count = 0;
    for (BOOL more = ::Thread32First(all, &entry); more != FALSE; more = ::Thread32Next(all, &entry)) {
        count += entry.th32OwnerProcessID == ::GetCurrentProcessId();
    }
    ::CloseHandle(all);
    return count;
}

}  // namespace berth::test
