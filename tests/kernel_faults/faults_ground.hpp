// What the tests of kernel faults share: a child to break, filters that refuse system calls, counters of the kernel.
//
// A fault that cannot be taken back (a filter, a uid, a namespace) is a child's; its sentence is the answer, empty:
// all as it should be.
#pragma once

#include "support/in_forked_child.hpp"

#include <berth/berth.hpp>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace kernel_faults_test {

using namespace std::chrono_literals;
using berth::errc;
using berth::error_code;
using berth::failure;
using berth::port_reservation;
using berth::reservation_request;
using berth::test::in_forked_child;
using steady = std::chrono::steady_clock;

inline bool says(const std::string& text, const char* word) { return text.find(word) != std::string::npos; }
inline bool has_own_namespace() { return std::getenv("BERTH_OWN_NAMESPACE") != nullptr && ::geteuid() == 0; }

/// From now on `call` answers `error` in this process; `first`: only where its first argument is that.
inline bool refuse(long call, int error, long first = -1) {
    const auto number = static_cast<unsigned>(call);
    const sock_filter any[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
        first < 0 ? sock_filter BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0, 0, 1)
                  : sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(first), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{sizeof any / sizeof *any, const_cast<sock_filter*>(any)};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

#define BERTH_NEEDS_FILTERS() \
    if (std::getenv("BERTH_NO_BPF") != nullptr) GTEST_SKIP() << "this kernel's BPF stands still: no filters"
#define BERTH_NEEDS_OWN_NAMESPACE() \
    if (!has_own_namespace())       \
    GTEST_SKIP() << "it changes the network's settings: only as root, in a namespace of its own"

inline std::string write_setting(const std::string& path, const std::string& value) {
    std::ofstream out(path);
    out << value << std::flush;
    return out ? "" : path + " cannot be set to " + value;
}
/// A counter of /proc/net/netstat, as TcpExt's SyncookiesSent; 0: there is none.
inline long long network_counter(const std::string& name) {
    std::ifstream in("/proc/thread-self/net/netstat");
    for (std::string names, values; std::getline(in, names) && std::getline(in, values);) {
        std::istringstream n(names), v(values);
        for (std::string one, value; n >> one && v >> value;) {
            if (one == name) return std::stoll(value);
        }
    }
    return 0;
}

inline double processor_seconds() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

inline std::size_t open_descriptors() {
    std::size_t n = 0;
    for (int fd = 0; fd < 4096; ++fd) n += ::fcntl(fd, F_GETFD) >= 0;
    return n;
}

}  // namespace kernel_faults_test
