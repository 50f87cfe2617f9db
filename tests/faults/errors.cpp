// Which errors each call may say, and what berth makes of them.
//
// From the manual pages, of each verb those that differ in what a program has to do: no descriptors, no memory, no
// right, in use, interrupted, not now. The second table is written from the documents of errc, not from the library.
#include "faults/injection.hpp"

#include <berth/error.hpp>

#include <asio/error.hpp>
#include <netdb.h>

#include <cerrno>
#include <cstring>

namespace berth::test {
namespace {

struct row {
    const char* verb;
    std::vector<int> errors;
};

const std::vector<row>& rows() {
    static const std::vector<row> all = {
        {"socket", {EMFILE, ENFILE, ENOBUFS, EACCES}},
        {"socketpair", {EMFILE, ENFILE, ENOMEM}},
        {"bind", {EADDRINUSE, EACCES, ENOMEM, EADDRNOTAVAIL}},
        {"listen", {EADDRINUSE, ENOMEM}},
        {"connect", {EADDRNOTAVAIL, ECONNREFUSED, ENETUNREACH, EACCES, EAGAIN}},
        {"accept4", {EMFILE, ENFILE, ENOMEM, ECONNABORTED}},
        {"setsockopt", {ENOMEM, EPERM, EINVAL, ENOPROTOOPT}},
        {"getsockopt", {ENOBUFS, EINVAL}},
        {"getsockname", {ENOBUFS}},
        {"getpeername", {ENOBUFS, ENOTCONN}},
        {"shutdown", {ENOTCONN}},
        {"send", {EPERM, ENOBUFS, ECONNRESET, EAGAIN, EINTR}},
        {"sendmsg", {EPERM, ENOBUFS, ECONNRESET, EAGAIN, EINTR, ETOOMANYREFS}},
        {"recv", {ENOMEM, ECONNRESET, EAGAIN, EINTR}},
        {"recvfrom", {ENOMEM, ECONNRESET, EAGAIN, EINTR}},
        {"recvmsg", {ENOMEM, ECONNRESET, EAGAIN, EINTR}},
        {"poll", {ENOMEM, EINTR}},
        {"select", {ENOMEM, EINTR}},
        {"epoll_create1", {EMFILE, ENFILE, ENOMEM}},
        {"epoll_create", {EMFILE, ENOMEM}},
        {"epoll_ctl", {ENOMEM, ENOSPC}},
        {"epoll_wait", {EINTR}},
        {"eventfd", {EMFILE, ENFILE, ENOMEM}},
        {"timerfd_create", {EMFILE, ENFILE, ENOMEM}},
        {"timerfd_settime", {ECANCELED}},
        {"pipe", {EMFILE, ENFILE}},
        {"memfd_create", {EMFILE, ENFILE, ENOMEM}},
        {"ftruncate", {EINTR, EFBIG}},
        {"mmap", {ENOMEM, EAGAIN}},
        {"madvise", {EAGAIN, EINVAL}},
        {"open", {EMFILE, ENFILE, EACCES, EINTR}},
        {"read", {EINTR}},  // of event descriptors, and of files of the kernel's own: nothing else goes wrong
        {"write", {EINTR}},
        {"lseek", {EINVAL}},
        {"fcntl", {EMFILE, EINVAL}},
        {"dup3", {EMFILE, EINTR}},
        {"ioctl", {EPERM, ENOTTY}},
        {"stat", {EACCES, ENOMEM}},
        {"lstat", {EACCES, ENOMEM}},
        {"fstat", {ENOMEM}},
        {"fstatat", {ENOMEM, EACCES}},
        {"chmod", {EPERM}},
        {"chown", {EPERM}},
        {"unlink", {EACCES}},
        {"flock", {ENOLCK, EINTR}},
        {"getrlimit", {EPERM}},
        {"getrandom", {EINTR}},  // any other ends the process, as random_bytes.hpp says: guessable ports would be silent
        {"if_indextoname", {ENXIO}},
        {"sched_getaffinity", {EINVAL}},
        {"sched_setaffinity", {EINVAL, EPERM}},
        {"sigaction", {EINVAL}},
        {"pthread_create", {EAGAIN, EPERM}},
        {"getaddrinfo", {EAI_AGAIN, EAI_MEMORY, EAI_NONAME}},
        {"getnameinfo", {EAI_AGAIN, EAI_MEMORY, EAI_NONAME}},
        {"dlopen", {ENOENT}},
        {"syscall", {EPERM, ENOMEM, EMFILE, ENOSYS}},
        {"io_uring_queue_init_params", {EMFILE, ENOMEM, EPERM, ENOSYS, EINVAL}},
        {"io_uring_register", {ENOMEM, EINVAL, EMFILE}},
        {"io_uring_register_probe", {ENOMEM, EINVAL, EPERM}},
        {"io_uring_register_eventfd", {EMFILE, ENOMEM, EBUSY}},
        {"io_uring_register_sync_cancel", {ENOMEM, EINVAL, EINTR}},
        {"io_uring_enter2", {EINTR, EAGAIN, EBUSY, ENOMEM}},
    };
    return all;
}

errc word_for(int error) noexcept {
    switch (error) {
        case EADDRINUSE: return errc::block_unavailable;
        case EACCES:
        case EPERM: return errc::permission_denied;
        case EMFILE:
        case ENFILE: return errc::too_many_files;
        case ENOMEM:
        case ENOBUFS: return errc::no_memory;
        case EADDRNOTAVAIL: return errc::address_mismatch;
        case EINVAL: return errc::invalid_argument;
        default: return errc::system_failure;
    }
}

}  // namespace

const std::vector<int>* errors_of(const char* verb) noexcept {
    for (const row& r : rows()) {
        if (std::strcmp(r.verb, verb) == 0) return &r.errors;
    }
    return nullptr;
}

bool is_right(const std::error_code& ec, const fault& f) noexcept {
    if (f.verb == "new") {  // Asio's category knows no conditions
        return ec == std::errc::not_enough_memory || ec == asio::error::no_memory;
    }
    if (f.error == 0) return false;  // less than was asked for is no error
    if (f.verb == "getaddrinfo" || f.verb == "getnameinfo") {
        switch (f.error) {
            case EAI_AGAIN: return ec == asio::error::host_not_found_try_again;
            case EAI_MEMORY: return ec == asio::error::no_memory;
            default: return ec == asio::error::host_not_found;
        }
    }
    const bool is_systems = ec.category() == std::system_category() || ec.category() == std::generic_category() ||
                            ec.category() == asio::error::get_system_category();
    return ec == word_for(f.error) || (is_systems && ec.value() == f.error);
}

}  // namespace berth::test
