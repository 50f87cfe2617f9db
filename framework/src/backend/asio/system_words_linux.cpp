// Linux. Asio's own accept leaves out close-on-exec, and registers each client with the listener's event queue.
#include "backend/asio/system_words.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace berth::detail {

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

const int ask_for_whole_size = MSG_TRUNC;
const int was_truncated = MSG_TRUNC;

}  // namespace berth::detail
