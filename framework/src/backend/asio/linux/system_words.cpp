// Linux. Asio's own accept leaves out close-on-exec, and registers each client with the listener's event queue.
#include "backend/asio/system_words.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

namespace berth::detail {

static_assert(sizeof(buffer_part) == sizeof(iovec) && offsetof(buffer_part, size) == offsetof(iovec, iov_len));

int take_client(platform::native_socket listener, void* address, std::uint32_t& address_size) noexcept {
    for (;;) {
        socklen_t size = address_size;
        const int client = ::accept4(static_cast<int>(listener), static_cast<sockaddr*>(address),
                                     address == nullptr ? nullptr : &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client >= 0) {
            if (address != nullptr) address_size = size;
            return client;
        }
        if (errno != EINTR) return -errno;
    }
}

int take_datagram(platform::native_socket socket, buffer_part room, datagram_words& words) noexcept {
    iovec part{room.data, room.size};
    for (;;) {
        msghdr message{};
        message.msg_name = words.address;
        message.msg_namelen = words.address == nullptr ? 0 : words.address_size;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = words.control;
        message.msg_controllen = words.control_size;
        const auto size = ::recvmsg(static_cast<int>(socket), &message, words.flags | MSG_DONTWAIT);
        if (size >= 0) {
            words.address_size = message.msg_namelen;
            words.control_size = static_cast<std::uint32_t>(message.msg_controllen);
            words.flags = message.msg_flags;
            return static_cast<int>(size);
        }
        if (errno != EINTR) return -errno;
    }
}

int send_datagram(platform::native_socket socket, const buffer_part* parts, std::size_t count,
                  const datagram_words& words) noexcept {
    msghdr message{};
    message.msg_name = words.address;
    message.msg_namelen = words.address == nullptr ? 0 : words.address_size;
    message.msg_iov = const_cast<iovec*>(reinterpret_cast<const iovec*>(parts));
    message.msg_iovlen = count;
    message.msg_control = words.control;
    message.msg_controllen = words.control_size;
    for (;;) {
        const auto size = ::sendmsg(static_cast<int>(socket), &message, words.flags | MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size >= 0) return static_cast<int>(size);
        if (errno != EINTR) return -errno;
    }
}

int try_to_watch(platform::native_socket socket) noexcept {
    const int queue = ::epoll_create1(EPOLL_CLOEXEC);
    if (queue < 0) return 0;  // it may be taken all the same
    epoll_event nothing{};
    const int error = ::epoll_ctl(queue, EPOLL_CTL_ADD, static_cast<int>(socket), &nothing) == 0 ? 0 : errno;
    ::close(queue);
    return error == EPERM ? 0 : error;  // no socket: Asio says that
}

const int ask_for_whole_size = MSG_TRUNC;
const int was_truncated = MSG_TRUNC;

}  // namespace berth::detail
