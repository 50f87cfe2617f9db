// Where sockets are made. winsock2.h gives the system's `socket` this name, so it is not included here.
#include "new_socket.hpp"

#include "error_codes.hpp"
#include "open_sockets.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

namespace berth::compat {

int new_socket(int family, int type, int protocol, bool is_overlapped, bool is_inherited) noexcept {
    int fd = ::socket(family, type | (is_inherited ? 0 : SOCK_CLOEXEC), protocol);
    int cause = errno;
    try {
        if (fd >= 0) open_sockets::instance().made(fd, is_overlapped);
    } catch (const std::bad_alloc&) {
        ::close(std::exchange(fd, -1));
        cause = ENOMEM;
    }
    if (fd < 0) fail(winsock_code_of_errno(cause));
    errno = cause;
    return fd;
}

}  // namespace berth::compat

extern "C" int berth_compat_socket(int family, int type, int protocol) noexcept {
    return berth::compat::new_socket(family, type, protocol, true, true);
}
