// The handle that somebody else's loop waits for: an eventfd that the kernel rings when there are results to gather.
//
// Not the ring's own descriptor: under deferred work the kernel does not wake who polls that (seen on 6.18.44; it is
// readable only for who looks again). Without deferred work a ring that rests has called its operations off, and
// nobody would hear of anything: then there is no handle. A ring that a write to the ear causes may come some
// milliseconds late (the kernel does not signal an eventfd from inside another's): so wake() rings by itself.
#include "backend/uring/uring_backend.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace berth::detail {

platform::native_socket uring_backend::wait_handle(std::error_code& ec) noexcept {
    ec.clear();
    if (bell_ >= 0) return bell_.load();
    if (!ring_.is_open() || !ring_.is_deferred()) {
        ec = std::make_error_code(std::errc::operation_not_supported);
        return -1;
    }
    const int bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const int error = bell < 0 ? -errno : ring_.is_here() ? ring_.report_to(bell) : 0;
    if (error != 0) {
        if (bell >= 0) ::close(bell);
        ec.assign(-error, std::system_category());
        return -1;
    }
    bell_ = bell;
    ring_bell();  // for what is there already
    return bell;
}

// True: it had rung.
bool uring_backend::silence_bell() const noexcept {
    std::uint64_t count = 0;
    return bell_ >= 0 && ::read(bell_, &count, sizeof count) == sizeof count;
}

// In a signal handler too.
void uring_backend::ring_bell() const noexcept {
    if (bell_ < 0) return;
    const int saved = errno;
    const std::uint64_t one = 1;
    while (::write(bell_, &one, sizeof one) < 0 && errno == EINTR) continue;
    errno = saved;
}

}  // namespace berth::detail
