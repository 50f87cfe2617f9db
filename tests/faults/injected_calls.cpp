// libc's functions of sockets and of waiting, one for each that the library calls: fail if it is their turn, else pass on.
//
// What cannot be undone, as close, never fails: a program cannot do better than go on.
#include "faults/injected_turn.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

extern "C" {

int socket(int f, int t, int p) noexcept {
    BERTH_TURN(socket, BERTH_FAILS);
    return next(f, t, p);
}
int socketpair(int f, int t, int p, int out[2]) noexcept {
    BERTH_TURN(socketpair, BERTH_FAILS);
    return next(f, t, p, out);
}
int bind(int fd, const sockaddr* a, socklen_t n) noexcept {
    BERTH_TURN(bind, BERTH_FAILS);
    return next(fd, a, n);
}
int listen(int fd, int n) noexcept {
    BERTH_TURN(listen, BERTH_FAILS);
    return next(fd, n);
}
int connect(int fd, const sockaddr* a, socklen_t n) {
    BERTH_TURN(connect, BERTH_FAILS);
    return next(fd, a, n);
}
int accept4(int fd, sockaddr* a, socklen_t* n, int flags) {
    BERTH_TURN(accept4, BERTH_FAILS);
    return next(fd, a, n, flags);
}
int setsockopt(int fd, int level, int name, const void* v, socklen_t n) noexcept {
    BERTH_TURN(setsockopt, BERTH_FAILS);
    return next(fd, level, name, v, n);
}
int getsockopt(int fd, int level, int name, void* v, socklen_t* n) noexcept {
    BERTH_TURN(getsockopt, BERTH_FAILS);
    return next(fd, level, name, v, n);
}
int getsockname(int fd, sockaddr* a, socklen_t* n) noexcept {
    BERTH_TURN(getsockname, BERTH_FAILS);
    return next(fd, a, n);
}
int getpeername(int fd, sockaddr* a, socklen_t* n) noexcept {
    BERTH_TURN(getpeername, BERTH_FAILS);
    return next(fd, a, n);
}
int shutdown(int fd, int how) noexcept {
    BERTH_TURN(shutdown, BERTH_FAILS);
    return next(fd, how);
}
ssize_t send(int fd, const void* d, std::size_t n, int flags) {
    BERTH_TURN(send, BERTH_FAILS);
    return next(fd, d, n, flags);
}
ssize_t sendmsg(int fd, const msghdr* m, int flags) {
    BERTH_TURN(sendmsg, BERTH_FAILS);
    return next(fd, m, flags);
}
ssize_t recv(int fd, void* d, std::size_t n, int flags) {
    BERTH_TURN(recv, BERTH_FAILS);
    return next(fd, d, n, flags);
}
ssize_t recvfrom(int fd, void* d, std::size_t n, int flags, sockaddr* a, socklen_t* size) {
    BERTH_TURN(recvfrom, BERTH_FAILS);
    return next(fd, d, n, flags, a, size);
}
ssize_t recvmsg(int fd, msghdr* m, int flags) {
    BERTH_TURN(recvmsg, BERTH_FAILS);
    return next(fd, m, flags);
}
int poll(pollfd* fds, nfds_t n, int ms) {
    BERTH_TURN(poll, BERTH_FAILS);
    return next(fds, n, ms);
}
int select(int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
    BERTH_TURN(select, BERTH_FAILS);
    return next(n, r, w, e, t);
}
int epoll_create(int n) noexcept {
    BERTH_TURN(epoll_create, BERTH_FAILS);
    return next(n);
}
int epoll_create1(int flags) noexcept {
    BERTH_TURN(epoll_create1, BERTH_FAILS);
    return next(flags);
}
int epoll_ctl(int q, int what, int fd, epoll_event* e) noexcept {
    if (what != EPOLL_CTL_ADD) {  // what is registered needs no more memory to be changed or taken out
        static auto* const del = berth::test::next_of<decltype(::epoll_ctl)>("epoll_ctl");
        return del(q, what, fd, e);
    }
    BERTH_TURN(epoll_ctl, BERTH_FAILS);
    return next(q, what, fd, e);
}
int epoll_wait(int q, epoll_event* e, int n, int ms) {
    BERTH_TURN(epoll_wait, BERTH_FAILS);
    return next(q, e, n, ms);
}
int eventfd(unsigned n, int flags) noexcept {
    BERTH_TURN(eventfd, BERTH_FAILS);
    return next(n, flags);
}
int timerfd_create(clockid_t c, int flags) noexcept {
    BERTH_TURN(timerfd_create, BERTH_FAILS);
    return next(c, flags);
}
int timerfd_settime(int fd, int flags, const itimerspec* to, itimerspec* was) noexcept {
    BERTH_TURN(timerfd_settime, BERTH_FAILS);
    return next(fd, flags, to, was);
}

}  // extern "C"
