// See server_calls.hpp. The errors of a connection are those that accept(2) tells to treat like EAGAIN.
#include "platform/server_calls.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace berth::platform {

accept_trouble accept_trouble_of(int error) noexcept {
    switch (error) {
        case ECANCELED: return accept_trouble::aborted;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM: return accept_trouble::shortage;
        case EAGAIN:
        case EINTR:
        case ECONNABORTED:
        case EPERM:
        case EPROTO:
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case EOPNOTSUPP:
        case ENETUNREACH: return accept_trouble::connection;
        default: return accept_trouble::other;
    }
}

native_socket duplicate(native_socket socket, int& error) noexcept {
    const int fd = ::fcntl(static_cast<int>(socket), F_DUPFD_CLOEXEC, 0);
    error = fd < 0 ? errno : 0;
    return fd;
}

bool lacks_syn_cookies() noexcept {
    const int fd = ::open("/proc/sys/net/ipv4/tcp_syncookies", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    char value = '1';
    const bool is_off = ::read(fd, &value, 1) == 1 && value == '0';
    ::close(fd);
    return is_off;
}

void close_with_reset(native_socket socket) noexcept {
    const ::linger now{1, 0};
    ::setsockopt(static_cast<int>(socket), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(static_cast<int>(socket));
}

}  // namespace berth::platform
