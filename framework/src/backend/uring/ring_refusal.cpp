// What a refused ring means, in words: the cause, and what would help.
#include "backend/uring/ring.hpp"

#include <fstream>
#include <system_error>

#include <cerrno>

namespace berth::detail {
namespace {

int switch_of_the_system() {
    int value = 0;
    std::ifstream("/proc/sys/kernel/io_uring_disabled") >> value;
    return value;
}

}  // namespace

std::string words_for_refusal(int error) {
    switch (error) {
        case -EPERM:
        case -EACCES:
            switch (switch_of_the_system()) {
                case 2:
                    return "io_uring is switched off on this system: set the sysctl kernel.io_uring_disabled to 0";
                case 1:
                    return "io_uring is only for privileged processes on this system: set the sysctl "
                           "kernel.io_uring_disabled to 0, or put the user into the group kernel.io_uring_group";
                default:
                    return "io_uring is denied to this process (EPERM), probably by a seccomp filter, as containers "
                           "have by default: allow io_uring_setup, io_uring_enter and io_uring_register in its "
                           "profile";
            }
        case -ENOSYS:
            return "this kernel has no io_uring (ENOSYS), or a seccomp filter says so: use Linux 5.11 or newer, or "
                   "allow io_uring_setup, io_uring_enter and io_uring_register in the filter";
        case -ENOMEM:
            return "no memory for io_uring (ENOMEM): raise the limit of locked memory (ulimit -l, LimitMEMLOCK=), or "
                   "ask for fewer entries";
        case -EMFILE:
            return "no descriptor is left for io_uring (EMFILE): raise the limit of open files (ulimit -n)";
        case -ENFILE:
            return "the system has no descriptor left for io_uring (ENFILE): raise the sysctl fs.file-max";
        case -EINVAL:
        case -EOPNOTSUPP:
            return "this kernel's io_uring is too old: use Linux 5.11 or newer";
        default:
            return "io_uring was refused: " + std::system_category().message(-error);
    }
}

}  // namespace berth::detail
