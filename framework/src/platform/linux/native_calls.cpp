// The synchronous socket calls on Linux; see include/berth/detail/native_calls.hpp.
//
// Every descriptor here is non-blocking, because a loop may hold it: what would block is waited for with poll.
#include <berth/detail/native_calls.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace berth::detail {
namespace {

static_assert(sizeof(buffer_part) == sizeof(iovec) && offsetof(iovec, iov_len) == offsetof(buffer_part, size));

int fd_of(native_value socket) noexcept { return static_cast<int>(socket); }

void say(error_code& ec, int error) noexcept {
    ec = error == 0 ? error_code() : error_code(error, std::system_category());
}

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
auto patiently(int fd, verb what, bool nonblocking, error_code& ec, Call call) noexcept {
    for (;;) {
        const auto r = uninterrupted(call);
        if (r >= 0) return say(ec, 0), r;
        if ((errno != EAGAIN && errno != EWOULDBLOCK) || nonblocking) return say(ec, errno), r;
        if (const int error = wait_for(fd, what); error != 0) return say(ec, error), r;
    }
}

}  // namespace

native_value open_native(int family, int type, int protocol, error_code& ec) noexcept {
    const int fd = ::socket(family, type | SOCK_CLOEXEC, protocol);
    say(ec, fd < 0 ? errno : 0);
    return fd;
}

void close_native(native_value socket, error_code& ec) noexcept {
    say(ec, ::close(fd_of(socket)) < 0 && errno != EINTR ? errno : 0);
}

void bind_native(native_value socket, const void* address, std::size_t size, error_code& ec) noexcept {
    const auto* const name = static_cast<const sockaddr*>(address);
    say(ec, ::bind(fd_of(socket), name, static_cast<socklen_t>(size)) < 0 ? errno : 0);
}

void listen_native(native_value socket, int backlog, error_code& ec) noexcept {
    say(ec, ::listen(fd_of(socket), backlog) < 0 ? errno : 0);
}

void connect_native(native_value socket, const void* address, std::size_t size, bool nonblocking,
                    error_code& ec) noexcept {
    const int fd = fd_of(socket);
    const auto* const name = static_cast<const sockaddr*>(address);
    const int r = ::connect(fd, name, static_cast<socklen_t>(size));
    say(ec, r < 0 ? errno : 0);
    const bool goes_on = r < 0 && (errno == EINPROGRESS || errno == EINTR || errno == EALREADY);
    if (!goes_on || nonblocking) return;
    int error = wait_for(fd, verb::connect);
    socklen_t length = sizeof error;
    if (error == 0) ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    say(ec, error);
}

native_value accept_native(native_value socket, void* address, std::size_t* size, bool nonblocking,
                           error_code& ec) noexcept {
    const int fd = fd_of(socket);
    socklen_t length = size != nullptr ? static_cast<socklen_t>(*size) : 0;
    const int accepted = patiently(fd, verb::accept, nonblocking, ec, [&] {
        return ::accept4(fd, static_cast<sockaddr*>(address), address != nullptr ? &length : nullptr, SOCK_CLOEXEC);
    });
    if (size != nullptr) *size = length;
    return accepted;
}

void shutdown_native(native_value socket, int how, error_code& ec) noexcept {
    say(ec, ::shutdown(fd_of(socket), how) < 0 ? errno : 0);
}

void name_native(native_value socket, bool remote, void* address, std::size_t* size, error_code& ec) noexcept {
    auto* const name = static_cast<sockaddr*>(address);
    auto length = static_cast<socklen_t>(*size);
    const int r = remote ? ::getpeername(fd_of(socket), name, &length) : ::getsockname(fd_of(socket), name, &length);
    say(ec, r < 0 ? errno : 0);
    *size = length;
}

void set_option_native(native_value socket, int level, int name, const void* value, std::size_t size,
                       error_code& ec) noexcept {
    say(ec, ::setsockopt(fd_of(socket), level, name, value, static_cast<socklen_t>(size)) < 0 ? errno : 0);
}

void get_option_native(native_value socket, int level, int name, void* value, std::size_t* size,
                       error_code& ec) noexcept {
    auto length = static_cast<socklen_t>(*size);
    say(ec, ::getsockopt(fd_of(socket), level, name, value, &length) < 0 ? errno : 0);
    *size = length;
}

void control_native(native_value socket, int name, void* argument, error_code& ec) noexcept {
    say(ec, ::ioctl(fd_of(socket), static_cast<unsigned long>(name), argument) < 0 ? errno : 0);
}

void set_nonblocking_native(native_value socket, bool on, error_code& ec) noexcept {
    const int flags = ::fcntl(fd_of(socket), F_GETFL);
    const int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    say(ec, flags < 0 || ::fcntl(fd_of(socket), F_SETFL, wanted) < 0 ? errno : 0);
}

bool at_mark_native(native_value socket, error_code& ec) noexcept {
    const int r = ::sockatmark(fd_of(socket));
    say(ec, r < 0 ? errno : 0);
    return r > 0;
}

std::size_t available_native(native_value socket, error_code& ec) noexcept {
    int size = 0;
    say(ec, ::ioctl(fd_of(socket), FIONREAD, &size) < 0 ? errno : 0);
    return ec ? 0 : static_cast<std::size_t>(size);
}

void wait_native(native_value socket, verb what, error_code& ec) noexcept { say(ec, wait_for(fd_of(socket), what)); }

std::size_t receive_native(native_value socket, const buffer_part* parts, std::size_t count, int flags, void* address,
                           std::size_t* size, bool nonblocking, error_code& ec) noexcept {
    msghdr message{};
    message.msg_iov = reinterpret_cast<iovec*>(const_cast<buffer_part*>(parts));
    message.msg_iovlen = count;
    const auto n = patiently(fd_of(socket), verb::receive, nonblocking, ec, [&] {
        message.msg_name = address;
        message.msg_namelen = size != nullptr ? static_cast<socklen_t>(*size) : 0;
        return ::recvmsg(fd_of(socket), &message, flags | MSG_DONTWAIT);
    });
    if (size != nullptr) *size = message.msg_namelen;
    return n < 0 ? 0 : static_cast<std::size_t>(n);
}

std::size_t send_native(native_value socket, const buffer_part* parts, std::size_t count, int flags,
                        const void* address, std::size_t size, bool nonblocking, error_code& ec) noexcept {
    msghdr message{};
    message.msg_iov = reinterpret_cast<iovec*>(const_cast<buffer_part*>(parts));
    message.msg_iovlen = count;
    message.msg_name = const_cast<void*>(address);
    message.msg_namelen = static_cast<socklen_t>(size);
    const auto n = patiently(fd_of(socket), verb::send, nonblocking, ec,
                             [&] { return ::sendmsg(fd_of(socket), &message, flags | MSG_DONTWAIT | MSG_NOSIGNAL); });
    return n < 0 ? 0 : static_cast<std::size_t>(n);
}

}  // namespace berth::detail
