// See sockets.hpp.
#include "support/sockets.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>

namespace berth::test {
namespace {

std::size_t entries_of(const char* folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

bool wait_for(int fd, short what, std::chrono::milliseconds limit) noexcept {
    const auto until = std::chrono::steady_clock::now() + limit;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd waiting{fd, what, 0};
        const int ready = ::poll(&waiting, 1, std::max(0, static_cast<int>(left.count())));
        if (ready >= 0 || errno != EINTR) return ready > 0;
    }
}

}  // namespace

int last_error() noexcept { return errno; }
trouble last_trouble() noexcept {
    switch (errno) {
        case 0: return trouble::none;
        case EAGAIN:
        case EINPROGRESS: return trouble::would_block;
        case EINTR: return trouble::interrupted;
        case ECONNREFUSED: return trouble::refused;
        case ECONNRESET:
        case EPIPE: return trouble::reset;
        default: return trouble::other;
    }
}

socket_handle open_tcp() noexcept { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }
socket_handle open_udp() noexcept { return ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); }
void close_socket(socket_handle socket) noexcept { ::close(socket); }
void close_with_reset(socket_handle socket) noexcept {
    const linger now{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(socket);
}
void end_sending(socket_handle socket) noexcept { ::shutdown(socket, SHUT_WR); }
void set_nonblocking(socket_handle socket, bool on) noexcept {
    const int flags = ::fcntl(socket, F_GETFL);
    ::fcntl(socket, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}
void give_up_after(socket_handle socket, std::chrono::milliseconds limit) noexcept {
    const timeval patience{limit.count() / 1000, limit.count() % 1000 * 1000};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}
socket_handle another_handle(socket_handle socket) noexcept { return ::fcntl(socket, F_DUPFD_CLOEXEC, 0); }

bool bind_address(socket_handle socket, const void* address, std::size_t size) noexcept {
    return ::bind(socket, static_cast<const sockaddr*>(address), static_cast<socklen_t>(size)) == 0;
}
bool connect_address(socket_handle socket, const void* address, std::size_t size) noexcept {
    return ::connect(socket, static_cast<const sockaddr*>(address), static_cast<socklen_t>(size)) == 0;
}
std::ptrdiff_t send_to_address(socket_handle socket, const void* data, std::size_t bytes, const void* address,
                               std::size_t size) noexcept {
    return ::sendto(socket, data, bytes, 0, static_cast<const sockaddr*>(address), static_cast<socklen_t>(size));
}
std::ptrdiff_t send_some(socket_handle socket, const void* data, std::size_t bytes) noexcept {
    return ::send(socket, data, bytes, MSG_NOSIGNAL);
}
std::ptrdiff_t receive_some(socket_handle socket, void* data, std::size_t bytes) noexcept {
    return ::recv(socket, data, bytes, 0);
}
bool wait_readable(socket_handle socket, std::chrono::milliseconds limit) noexcept {
    return wait_for(socket, POLLIN, limit);
}
bool wait_writable(socket_handle socket, std::chrono::milliseconds limit) noexcept {
    return wait_for(socket, POLLOUT, limit);
}
void set_option(socket_handle socket, int level, int name, int value) noexcept {
    ::setsockopt(socket, level, name, &value, sizeof value);
}
int option_of(socket_handle socket, int level, int name) noexcept {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, level, name, &value, &size) == 0 ? value : -1;
}
bool shares_its_port(socket_handle socket) noexcept { return option_of(socket, SOL_SOCKET, SO_REUSEPORT) != 0; }
int pending_error(socket_handle socket) noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

const char* wine() noexcept { return nullptr; }
std::size_t descriptors_now() { return entries_of("/proc/self/fd"); }
std::size_t threads_now() { return entries_of("/proc/self/task"); }

}  // namespace berth::test
