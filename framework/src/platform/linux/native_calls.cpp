// The synchronous socket calls on Linux; see include/berth/detail/native_calls.hpp.
//
// Every descriptor here is non-blocking, because a loop may hold it: what would block is waited for with poll.
#include <berth/detail/native_calls.hpp>

#include "platform/message_flags.hpp"
#include "platform/way_there.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace berth::detail {

const int send_all_of_it = MSG_WAITALL;

namespace {

static_assert(sizeof(buffer_part) == sizeof(iovec) && offsetof(iovec, iov_len) == offsetof(buffer_part, size));

int fd_of(native_value socket) noexcept { return static_cast<int>(socket); }

void say(int& error, int number) noexcept { error = number; }

template <class Call>
auto uninterrupted(Call call) noexcept {
    auto r = call();
    while (r < 0 && errno == EINTR) r = call();
    return r;
}

short events_of(verb what) noexcept {
    switch (what) {
        case verb::readable:
        case verb::receive:
        case verb::accept:
            return POLLIN;
        case verb::error:
            return POLLPRI;
        default:
            return POLLOUT;
    }
}

int wait_for(int fd, verb what) noexcept {
    pollfd waiting{fd, events_of(what), 0};
    return uninterrupted([&] { return ::poll(&waiting, 1, -1); }) < 0 ? errno : 0;
}

/// Calls until it does not block, or at once says that it would.
template <class Call>
auto patiently(int fd, verb what, bool nonblocking, int& error, Call call) noexcept {
    for (;;) {
        const auto r = uninterrupted(call);
        if (r >= 0) return say(error, 0), r;
        if ((errno != EAGAIN && errno != EWOULDBLOCK) || nonblocking) return say(error, errno), r;
        if (const int failed = wait_for(fd, what); failed != 0) return say(error, failed), r;
    }
}

}  // namespace

native_value open_native(int family, int type, int protocol, int& error) noexcept {
    const int fd = ::socket(family, type | SOCK_CLOEXEC, protocol);
    say(error, fd < 0 ? errno : 0);
    return fd;
}

void close_native(native_value socket, int& error) noexcept {
    say(error, ::close(fd_of(socket)) < 0 && errno != EINTR ? errno : 0);
}

void bind_native(native_value socket, const void* address, std::size_t size, int& error) noexcept {
    const auto* const name = static_cast<const sockaddr*>(address);
    say(error, ::bind(fd_of(socket), name, static_cast<socklen_t>(size)) < 0 ? errno : 0);
}

void listen_native(native_value socket, int backlog, int& error) noexcept {
    say(error, ::listen(fd_of(socket), backlog) < 0 ? errno : 0);
}

void connect_native(native_value socket, const void* address, std::size_t size, bool nonblocking,
                    int& error) noexcept {
    const int fd = fd_of(socket);
    const auto* const name = static_cast<const sockaddr*>(address);
    const int r = ::connect(fd, name, static_cast<socklen_t>(size));
    say(error, r < 0 ? errno : 0);
    const bool goes_on = r < 0 && (errno == EINPROGRESS || errno == EINTR || errno == EALREADY);
    if (!goes_on || nonblocking) return;
    error = wait_for(fd, verb::connect);
    socklen_t length = sizeof error;
    if (error == 0 && ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) error = errno;
}

bool is_taken_tuple(int error) noexcept { return error == EADDRNOTAVAIL || error == EADDRINUSE; }

native_value accept_native(native_value socket, void* address, std::size_t* size, bool nonblocking,
                           int& error) noexcept {
    const int fd = fd_of(socket);
    socklen_t length = size != nullptr ? static_cast<socklen_t>(*size) : 0;
    const int accepted = patiently(fd, verb::accept, nonblocking, error, [&] {
        return ::accept4(fd, static_cast<sockaddr*>(address), address != nullptr ? &length : nullptr, SOCK_CLOEXEC);
    });
    if (size != nullptr) *size = length;
    return accepted;
}

void shutdown_native(native_value socket, int how, int& error) noexcept {
    say(error, ::shutdown(fd_of(socket), how) < 0 ? errno : 0);
}

void name_native(native_value socket, bool remote, void* address, std::size_t* size, int& error) noexcept {
    auto* const name = static_cast<sockaddr*>(address);
    auto length = static_cast<socklen_t>(*size);
    const int r = remote ? ::getpeername(fd_of(socket), name, &length) : ::getsockname(fd_of(socket), name, &length);
    say(error, r < 0 ? errno : 0);
    *size = length;
}

void set_option_native(native_value socket, int level, int name, const void* value, std::size_t size,
                       int& error) noexcept {
    say(error, ::setsockopt(fd_of(socket), level, name, value, static_cast<socklen_t>(size)) < 0 ? errno : 0);
}

void get_option_native(native_value socket, int level, int name, void* value, std::size_t* size,
                       int& error) noexcept {
    auto length = static_cast<socklen_t>(*size);
    say(error, ::getsockopt(fd_of(socket), level, name, value, &length) < 0 ? errno : 0);
    *size = length;
}

void control_native(native_value socket, int name, void* argument, int& error) noexcept {
    say(error, ::ioctl(fd_of(socket), static_cast<unsigned long>(name), argument) < 0 ? errno : 0);
}

void set_nonblocking_native(native_value socket, bool on, int& error) noexcept {
    const int flags = ::fcntl(fd_of(socket), F_GETFL);
    const int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    say(error, flags < 0 || ::fcntl(fd_of(socket), F_SETFL, wanted) < 0 ? errno : 0);
}

std::size_t available_native(native_value socket, int& error) noexcept {
    int size = 0;
    say(error, ::ioctl(fd_of(socket), FIONREAD, &size) < 0 ? errno : 0);
    return error != 0 ? 0 : static_cast<std::size_t>(size);
}

std::uint32_t overflowed_native(native_value socket, int& error) noexcept {
    constexpr int so_meminfo = 55, drops = 8;
    std::uint32_t figures[9] = {};
    socklen_t size = sizeof figures;
    say(error, ::getsockopt(fd_of(socket), SOL_SOCKET, so_meminfo, figures, &size) < 0 ? errno : 0);
    return figures[drops];
}

void wait_native(native_value socket, verb what, int& error) noexcept { error = wait_for(fd_of(socket), what); }

std::size_t receive_native(native_value socket, const buffer_part* parts, std::size_t count, int flags, void* address,
                           std::size_t* size, bool nonblocking, int& error) noexcept {
    msghdr message{};
    message.msg_iov = reinterpret_cast<iovec*>(const_cast<buffer_part*>(parts));
    message.msg_iovlen = count;
    const auto n = patiently(fd_of(socket), verb::receive, nonblocking, error, [&] {
        message.msg_name = address;
        message.msg_namelen = size != nullptr ? static_cast<socklen_t>(*size) : 0;
        return ::recvmsg(fd_of(socket), &message, flags | MSG_DONTWAIT);
    });
    if (size != nullptr) *size = message.msg_namelen;
    return n < 0 ? 0 : static_cast<std::size_t>(n);
}

std::size_t send_native(native_value socket, const buffer_part* parts, std::size_t count, int flags,
                        const void* address, std::size_t size, bool nonblocking, int& error) noexcept {
    msghdr message{};
    message.msg_iov = reinterpret_cast<iovec*>(const_cast<buffer_part*>(parts));
    message.msg_iovlen = count;
    message.msg_name = const_cast<void*>(address);
    message.msg_namelen = static_cast<socklen_t>(size);
    const auto n = patiently(fd_of(socket), verb::send, nonblocking, error,
                             [&] { return ::sendmsg(fd_of(socket), &message, flags | MSG_DONTWAIT | MSG_NOSIGNAL); });
    return n < 0 ? 0 : static_cast<std::size_t>(n);
}

}  // namespace berth::detail

namespace berth::platform {

bool has_way_to(const void* address, std::size_t size) noexcept {
    const auto* const to = static_cast<const sockaddr*>(address);
    const int fd = ::socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return true;
    constexpr int no = 0;
    if (to->sa_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    const bool has = ::connect(fd, to, static_cast<socklen_t>(size)) == 0;
    ::close(fd);
    return has;
}

}  // namespace berth::platform
