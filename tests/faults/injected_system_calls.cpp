// libc's functions of files, memory, names, threads and the process; see injected_calls.cpp.
#include "faults/injected_turn.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>

extern "C" {

int pipe(int out[2]) noexcept {
    BERTH_TURN(pipe, BERTH_FAILS);
    return next(out);
}
int memfd_create(const char* name, unsigned flags) noexcept {
    BERTH_TURN(memfd_create, BERTH_FAILS);
    return next(name, flags);
}
int ftruncate(int fd, off_t n) noexcept {
    BERTH_TURN(ftruncate, BERTH_FAILS);
    return next(fd, n);
}
void* mmap(void* at, std::size_t n, int p, int flags, int fd, off_t from) noexcept {
    BERTH_TURN(mmap, {
        errno = error;
        return MAP_FAILED;
    });
    return next(at, n, p, flags, fd, from);
}
int madvise(void* at, std::size_t n, int what) noexcept {
    BERTH_TURN(madvise, BERTH_FAILS);
    return next(at, n, what);
}
int open(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const auto mode = static_cast<mode_t>(va_arg(more, unsigned));
    va_end(more);
    BERTH_TURN(open, BERTH_FAILS);
    return next(path, flags, mode);
}
ssize_t read(int fd, void* d, std::size_t n) {
    BERTH_TURN(read, BERTH_FAILS);
    return next(fd, d, n);
}
ssize_t write(int fd, const void* d, std::size_t n) {
    BERTH_TURN(write, BERTH_FAILS);
    return next(fd, d, n);
}
off_t lseek(int fd, off_t n, int from) noexcept {
    BERTH_TURN(lseek, BERTH_FAILS);
    return next(fd, n, from);
}
int fcntl(int fd, int command, ...) {
    va_list more;
    va_start(more, command);
    const long argument = va_arg(more, long);
    va_end(more);
    BERTH_TURN(fcntl, BERTH_FAILS);
    return next(fd, command, argument);
}
int dup3(int from, int onto, int flags) noexcept {
    BERTH_TURN(dup3, BERTH_FAILS);
    return next(from, onto, flags);
}
int ioctl(int fd, unsigned long what, ...) noexcept {
    va_list more;
    va_start(more, what);
    void* const argument = va_arg(more, void*);
    va_end(more);
    BERTH_TURN(ioctl, BERTH_FAILS);
    return next(fd, what, argument);
}
int stat(const char* path, struct stat* out) noexcept {
    BERTH_TURN(stat, BERTH_FAILS);
    return next(path, out);
}
int lstat(const char* path, struct stat* out) noexcept {
    BERTH_TURN(lstat, BERTH_FAILS);
    return next(path, out);
}
int fstat(int fd, struct stat* out) noexcept {
    BERTH_TURN(fstat, BERTH_FAILS);
    return next(fd, out);
}
int fstatat(int fd, const char* path, struct stat* out, int flags) noexcept {
    BERTH_TURN(fstatat, BERTH_FAILS);
    return next(fd, path, out, flags);
}
int chmod(const char* path, mode_t mode) noexcept {
    BERTH_TURN(chmod, BERTH_FAILS);
    return next(path, mode);
}
int chown(const char* path, uid_t u, gid_t g) noexcept {
    BERTH_TURN(chown, BERTH_FAILS);
    return next(path, u, g);
}
int unlink(const char* path) noexcept {
    BERTH_TURN(unlink, BERTH_FAILS);
    return next(path);
}
int flock(int fd, int what) noexcept {
    if (what == LOCK_UN) {
        static auto* const release = berth::test::next_of<decltype(::flock)>("flock");
        return release(fd, what);
    }
    BERTH_TURN(flock, BERTH_FAILS);
    return next(fd, what);
}
int getrlimit(__rlimit_resource_t what, rlimit* out) noexcept {
    BERTH_TURN(getrlimit, BERTH_FAILS);
    return next(what, out);
}
ssize_t getrandom(void* d, std::size_t n, unsigned flags) {
    BERTH_TURN(getrandom, BERTH_FAILS);
    return next(d, n, flags);
}
char* if_indextoname(unsigned n, char* out) noexcept {
    BERTH_TURN(if_indextoname, {
        errno = error;
        return nullptr;
    });
    return next(n, out);
}
int sched_getaffinity(pid_t who, std::size_t n, cpu_set_t* out) noexcept {
    BERTH_TURN(sched_getaffinity, BERTH_FAILS);
    return next(who, n, out);
}
int sched_setaffinity(pid_t who, std::size_t n, const cpu_set_t* to) noexcept {
    BERTH_TURN(sched_setaffinity, BERTH_FAILS);
    return next(who, n, to);
}
int sigaction(int number, const struct sigaction* to, struct sigaction* was) noexcept {
    BERTH_TURN(sigaction, BERTH_FAILS);
    return next(number, to, was);
}
int pthread_create(pthread_t* out, const pthread_attr_t* how, void* (*run)(void*), void* with) noexcept {
    BERTH_TURN(pthread_create, { return error; });
    return next(out, how, run, with);
}
int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** out) {
    BERTH_TURN(getaddrinfo, { return error; });
    return next(host, service, hints, out);
}
int getnameinfo(const sockaddr* a, socklen_t n, char* host, socklen_t hosts, char* service, socklen_t services,
                int flags) {
    BERTH_TURN(getnameinfo, { return error; });
    return next(a, n, host, hosts, service, services, flags);
}
void* dlopen(const char* name, int flags) noexcept {
    BERTH_TURN(dlopen, { return nullptr; });
    return next(name, flags);
}
long syscall(long number, ...) noexcept {
    va_list more;
    va_start(more, number);
    long a[6];
    for (long& one : a) one = va_arg(more, long);
    va_end(more);
    BERTH_TURN(syscall, BERTH_FAILS);
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

}  // extern "C"
