// Where sockets are made. winsock2.h gives the system's `socket` this name, so it is not included here.
#include "new_socket.hpp"

#include "error_codes.hpp"
#include "open_sockets.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace berth::compat {

int new_socket(int family, int type, int protocol, bool is_overlapped, bool is_inherited) noexcept {
    const int fd = ::socket(family, type | (is_inherited ? 0 : SOCK_CLOEXEC), protocol);
    const int cause = errno;
    if (fd < 0) {
        fail(winsock_code_of_errno(cause));
    } else {
        open_sockets::instance().made(fd, is_overlapped);
    }
    errno = cause;
    return fd;
}

}  // namespace berth::compat

extern "C" int berth_compat_socket(int family, int type, int protocol) noexcept {
    return berth::compat::new_socket(family, type, protocol, true, true);
}
