// Windows. Ancillary data goes through two calls that are asked for by number.
#include "backend/asio/system_words.hpp"

#include "platform/windows/wsa_parts.hpp"

#include <berth/detail/datagram_control.hpp>

namespace berth::detail {
namespace {

using platform::as_socket;
using platform::wsa_parts;

template <class Function>
Function extension(SOCKET socket, GUID name) noexcept {
    Function found = nullptr;
    DWORD size = 0;
    const int r = ::WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &name, sizeof name, &found, sizeof found, &size,
                             nullptr, nullptr);
    return r == 0 ? found : nullptr;
}

}  // namespace

int take_client(platform::native_socket listener, void* address, std::uint32_t& address_size) noexcept {
    int size = static_cast<int>(address_size);
    const SOCKET client =
        ::accept(as_socket(listener), static_cast<sockaddr*>(address), address == nullptr ? nullptr : &size);
    if (client == INVALID_SOCKET) return -::WSAGetLastError();
    if (address != nullptr) address_size = static_cast<std::uint32_t>(size);
    platform::keep_from_children(client);
    u_long nonblocking = 1;
    ::ioctlsocket(client, static_cast<long>(FIONBIO), &nonblocking);
    return static_cast<int>(client);
}

int take_datagram(platform::native_socket socket, buffer_part room, datagram_words& words) noexcept {
    static const auto receive = extension<LPFN_WSARECVMSG>(as_socket(socket), WSAID_WSARECVMSG);
    if (receive == nullptr) return -WSAEOPNOTSUPP;
    wsa_parts parts(&room, 1);
    WSAMSG message{};
    message.name = static_cast<sockaddr*>(words.address);
    message.namelen = words.address == nullptr ? 0 : static_cast<int>(words.address_size);
    message.lpBuffers = parts.data();
    message.dwBufferCount = parts.count();
    message.Control = {words.control_size, static_cast<CHAR*>(words.control)};
    message.dwFlags = static_cast<DWORD>(words.flags);
    DWORD bytes = 0;
    const int r = receive(as_socket(socket), &message, &bytes, nullptr, nullptr);
    const int error = r == 0 ? 0 : ::WSAGetLastError();
    if (error != 0 && error != WSAEMSGSIZE) return -error;
    words.address_size = static_cast<std::uint32_t>(message.namelen);
    words.control_size = message.Control.len;
    words.flags = static_cast<int>(message.dwFlags) | (error == WSAEMSGSIZE ? MSG_TRUNC : 0);
    return error == WSAEMSGSIZE ? static_cast<int>(parts.room()) + 1 : static_cast<int>(bytes);
}

int send_datagram(platform::native_socket socket, const buffer_part* parts, std::size_t count,
                  const datagram_words& words) noexcept {
    static const auto send = extension<LPFN_WSASENDMSG>(as_socket(socket), WSAID_WSASENDMSG);
    if (send == nullptr || !may_cut_datagrams()) return -WSAEOPNOTSUPP;
    wsa_parts buffers(parts, count);
    WSAMSG message{};
    message.name = static_cast<sockaddr*>(words.address);
    message.namelen = static_cast<int>(words.address_size);
    message.lpBuffers = buffers.data();
    message.dwBufferCount = buffers.count();
    message.Control = {words.control_size, static_cast<CHAR*>(words.control)};
    DWORD bytes = 0;
    const int r = send(as_socket(socket), &message, static_cast<DWORD>(words.flags), &bytes, nullptr, nullptr);
    return r == 0 ? static_cast<int>(bytes) : -::WSAGetLastError();
}

int try_to_watch(platform::native_socket) noexcept { return 0; }

const int ask_for_whole_size = 0;
const int was_truncated = MSG_TRUNC;

}  // namespace berth::detail
