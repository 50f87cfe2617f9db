// Runs a program that may not use io_uring: without_io_uring eperm|enosys program [args].
//
// A seccomp filter answers io_uring_setup with that error, as containers' profiles and older kernels do. Needs no
// right: whoever gives up new privileges may filter himself.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string_view>

int main(int argc, char** argv) {
    const std::string_view answer = argc > 2 ? argv[1] : "";
    if (answer != "eperm" && answer != "enosys") {
        std::fprintf(stderr, "without_io_uring eperm|enosys program [args]\n");
        return 2;
    }
    const unsigned error = answer == "eperm" ? EPERM : ENOSYS;
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{static_cast<unsigned short>(sizeof rules / sizeof *rules), rules};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        std::fprintf(stderr, "no filter: %s\n", std::strerror(errno));
        return 77;
    }
    ::execv(argv[2], argv + 2);
    std::fprintf(stderr, "%s: %s\n", argv[2], std::strerror(errno));
    return 127;
}
