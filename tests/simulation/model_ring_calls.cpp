// liburing's functions, answered by the model ring, and the system calls of the engine (--wrap): of the model's
// descriptors; what is none of them goes to the kernel.
#include "simulation/model_ring.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <map>

namespace berth::simulation {
namespace {

std::map<int, model_event> events;

}  // namespace

model_event* event_at(int fd) noexcept {
    const auto at = events.find(fd);
    return at == events.end() ? nullptr : &at->second;
}
int make_event() {
    int fd = 600'000;
    while (events.contains(fd)) ++fd;
    events.emplace(fd, model_event{});
    return fd;
}
bool end_event(int fd) noexcept { return events.erase(fd) != 0; }
std::size_t events_left() noexcept { return events.size(); }

}  // namespace berth::simulation

using namespace berth::simulation;

// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

int __real_close(int);
ssize_t __real_read(int, void*, std::size_t);
ssize_t __real_write(int, const void*, std::size_t);
int __real_fcntl(int, int, ...);
int __real_getsockopt(int, int, int, void*, socklen_t*);
int __real_getpeername(int, sockaddr*, socklen_t*);
ssize_t __real_sendmsg(int, const msghdr*, int);
ssize_t __real_recvmsg(int, msghdr*, int);

int io_uring_queue_init_params(unsigned entries, io_uring* ring, io_uring_params* p) {
    int descriptor = model_ring::first_descriptor;
    while (model_ring::at(descriptor) != nullptr) ++descriptor;
    model_ring::all().push_back(std::make_unique<model_ring>(*ring, entries, *p, descriptor));
    return 0;
}
void io_uring_queue_exit(io_uring* ring) {
    if (auto* const known = model_ring::of(*ring)) known->exit();
}
int io_uring_register(unsigned fd, unsigned what, const void* arg, unsigned n) {
    auto* const ring = model_ring::at(static_cast<int>(fd));
    if (ring == nullptr) return -EBADF;
    switch (what) {
        case IORING_REGISTER_ENABLE_RINGS:
            return ring->enable(), 0;
        case IORING_REGISTER_RESTRICTIONS:
            return ring->restrict_to(std::span(static_cast<const io_uring_restriction*>(arg), n));
        case IORING_REGISTER_PBUF_RING:
            return ring->offer_buffers(*static_cast<const io_uring_buf_reg*>(arg));
        case IORING_REGISTER_RING_FDS:  // its place in the thread's table
            static_cast<io_uring_rsrc_update*>(const_cast<void*>(arg))->offset =
                static_cast<unsigned>(ring->descriptor() - model_ring::first_descriptor);
            return 1;
        case IORING_UNREGISTER_RING_FDS:
            return 1;
        default:
            return -EINVAL;
    }
}
int io_uring_register_probe(io_uring*, io_uring_probe* out, unsigned n) {
    out->last_op = static_cast<unsigned char>(std::min(n, 200U));
    for (unsigned i = 0; i < out->last_op; ++i)
        out->ops[i].op = static_cast<unsigned char>(i), out->ops[i].flags = IO_URING_OP_SUPPORTED;
    return 0;
}
int io_uring_register_eventfd(io_uring* ring, int fd) { return model_ring::of(*ring)->report_to(fd), 0; }
int io_uring_register_sync_cancel(io_uring* ring, io_uring_sync_cancel_reg* which) {
    return model_ring::of(*ring)->cancel_now(which->addr);
}
int io_uring_enter2(unsigned fd, unsigned submitted, unsigned least, unsigned flags, sigset_t* argument,
                    std::size_t) {
    const bool is_named = (flags & IORING_ENTER_REGISTERED_RING) != 0;
    auto* const ring = model_ring::at(static_cast<int>(fd) + (is_named ? model_ring::first_descriptor : 0));
    if (ring == nullptr) return -EBADF;
    const __kernel_timespec* timeout = nullptr;
    if ((flags & IORING_ENTER_EXT_ARG) != 0) {
        const auto& more = *reinterpret_cast<const io_uring_getevents_arg*>(argument);
        timeout = reinterpret_cast<const __kernel_timespec*>(static_cast<std::uintptr_t>(more.ts));
    }
    return ring->enter(submitted, least, flags, timeout);
}

int __wrap_eventfd(unsigned, int) { return make_event(); }
ssize_t __wrap_read(int fd, void* to, std::size_t size) {
    auto* const e = event_at(fd);
    if (e == nullptr) return __real_read(fd, to, size);
    if (e->count == 0) return errno = EAGAIN, -1;
    std::memcpy(to, &e->count, sizeof e->count);
    e->count = 0;
    return sizeof e->count;
}
ssize_t __wrap_write(int fd, const void* from, std::size_t size) {
    auto* const e = event_at(fd);
    if (e == nullptr) return __real_write(fd, from, size);
    ++e->count, ++e->writes;
    return static_cast<ssize_t>(size);
}

}  // extern "C"

namespace {

/// nullptr: it is no socket of the model's.
model_socket* socket_at(int fd) { return fd >= 1000 && fd < 600'000 ? model_network::installed().find(fd) : nullptr; }

template <class Result>
Result told(int outcome) {
    if (outcome >= 0) return static_cast<Result>(outcome);
    errno = -outcome;
    return -1;
}

}  // namespace

extern "C" {

int __wrap_close(int fd) {
    if (end_event(fd)) return 0;
    if (socket_at(fd) == nullptr) return __real_close(fd);
    model_network::installed().close(fd);
    return 0;
}
int __wrap_fcntl(int fd, int what, ...) {
    va_list rest;
    va_start(rest, what);
    const long argument = va_arg(rest, long);
    va_end(rest);
    if (fd < 1000) return __real_fcntl(fd, what, argument);
    if (socket_at(fd) == nullptr) return told<int>(-EBADF);
    auto& chance = model_ring::chances();
    return told<int>(chance.strikes(chance.fault_rate / 4, model_chances::fault) ? -ENOMEM
                     : what == F_GETFL                                           ? O_NONBLOCK
                                                                                 : 0);
}
int __wrap_getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
    auto* const s = socket_at(fd);
    if (s == nullptr) return fd < 1000 ? __real_getsockopt(fd, level, name, value, size) : told<int>(-EBADF);
    const int said = name == SO_TYPE ? (s->is_tcp ? SOCK_STREAM : SOCK_DGRAM) : 0;
    std::memcpy(value, &said, std::min<std::size_t>(*size, sizeof said));
    return 0;
}
int __wrap_getpeername(int fd, sockaddr* address, socklen_t* size) {
    auto* const s = socket_at(fd);
    if (s == nullptr) return __real_getpeername(fd, address, size);
    if (!s->stream) return told<int>(-ENOTCONN);
    const sockaddr_in6 name = name_of(s->stream->remote);
    std::memcpy(address, &name, std::min<std::size_t>(*size, sizeof name));
    *size = sizeof name;
    return 0;
}
ssize_t __wrap_sendmsg(int fd, const msghdr* m, int flags) {
    return socket_at(fd) == nullptr ? __real_sendmsg(fd, m, flags) : told<ssize_t>(send_datagram(*m));
}
ssize_t __wrap_recvmsg(int fd, msghdr* m, int flags) {
    auto* const s = socket_at(fd);
    return s == nullptr ? __real_recvmsg(fd, m, flags) : told<ssize_t>(receive_datagram(*s, *m));
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
