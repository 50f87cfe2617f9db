// liburing's functions that reach the kernel, and the entries that go through them.
//
// An entry that is to fail becomes a NOP that ends with the error it was told: the kernel itself says it, in its order.
// One that is to be cut short asks for a byte; one that is to be the only one of many loses its multishot flag.
#include "faults/injection.hpp"

#include <dlfcn.h>
#include <liburing.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>

namespace berth::test {
namespace {

#ifndef IORING_NOP_INJECT_RESULT
#define IORING_NOP_INJECT_RESULT (1U << 0)
#endif

std::mutex gate;
std::array<io_uring*, 64> rings{};  // that are open

template <class Function>
Function* next_of(const char* name) noexcept {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

void change(io_uring_sqe& entry, int how) noexcept {
    if (how == cut_short) {
        entry.len = 1;
    } else if (how == only_one) {
        if (entry.opcode == IORING_OP_POLL_ADD) {
            entry.len &= ~IORING_POLL_ADD_MULTI;
        } else {
            entry.ioprio = 0;
        }
    } else {
        const auto who = entry.user_data;
        std::memset(&entry, 0, sizeof entry);
        entry.opcode = IORING_OP_NOP;
        entry.user_data = who;
        entry.len = static_cast<unsigned>(-how);
        entry.rw_flags = IORING_NOP_INJECT_RESULT;
    }
}

void look_at(io_uring& ring, unsigned submitted) noexcept {
    const unsigned first = *ring.sq.khead;
    for (unsigned i = 0; i < submitted; ++i) {
        io_uring_sqe& entry = ring.sq.sqes[(first + i) & *ring.sq.kring_mask];
        const bool is_receive = entry.opcode == IORING_OP_RECV || entry.opcode == IORING_OP_RECVMSG;
        const bool is_multishot = (entry.opcode == IORING_OP_ACCEPT && (entry.ioprio & IORING_ACCEPT_MULTISHOT) != 0) ||
                                  (is_receive && (entry.ioprio & IORING_RECV_MULTISHOT) != 0) ||
                                  (entry.opcode == IORING_OP_POLL_ADD && (entry.len & IORING_POLL_ADD_MULTI) != 0);
        const bool can_be_cut = (entry.opcode == IORING_OP_SEND || entry.opcode == IORING_OP_RECV) &&
                                (entry.flags & IOSQE_BUFFER_SELECT) == 0 && entry.len > 1;
        if (const int how = turn_of_entry(entry.opcode, can_be_cut, is_multishot); how != 0) change(entry, how);
    }
}

}  // namespace

bool entries_can_fail() noexcept {
    static const bool can = [] {
        io_uring ring{};
        if (::io_uring_queue_init(2, &ring, 0) != 0) return false;
        io_uring_sqe* const entry = ::io_uring_get_sqe(&ring);
        ::io_uring_prep_nop(entry);
        change(*entry, ENOBUFS);
        io_uring_cqe* result = nullptr;
        bool does = ::io_uring_submit_and_wait(&ring, 1) == 1 && ::io_uring_peek_cqe(&ring, &result) == 0;
        does = does && result->res == -ENOBUFS;
        ::io_uring_queue_exit(&ring);
        return does;
    }();
    return can;
}

}  // namespace berth::test

using namespace berth::test;

#define BERTH_RING_TURN(name)                                  \
    static auto* const next = next_of<decltype(::name)>(#name); \
    if (const int error = turn_of(#name); error != 0) return -error

extern "C" {

int io_uring_queue_init_params(unsigned entries, io_uring* ring, io_uring_params* p) {
    BERTH_RING_TURN(io_uring_queue_init_params);
    const int r = next(entries, ring, p);
    const std::lock_guard lock(gate);
    if (r == 0) *std::find(rings.begin(), rings.end() - 1, nullptr) = ring;
    return r;
}
void io_uring_queue_exit(io_uring* ring) {
    static auto* const next = next_of<decltype(::io_uring_queue_exit)>("io_uring_queue_exit");
    {
        const std::lock_guard lock(gate);
        std::replace(rings.begin(), rings.end(), ring, static_cast<io_uring*>(nullptr));
    }
    next(ring);
}
int io_uring_register(unsigned fd, unsigned what, const void* arg, unsigned n) {
    BERTH_RING_TURN(io_uring_register);
    return next(fd, what, arg, n);
}
int io_uring_register_probe(io_uring* ring, io_uring_probe* out, unsigned n) {
    BERTH_RING_TURN(io_uring_register_probe);
    return next(ring, out, n);
}
int io_uring_register_eventfd(io_uring* ring, int fd) {
    BERTH_RING_TURN(io_uring_register_eventfd);
    return next(ring, fd);
}
int io_uring_register_sync_cancel(io_uring* ring, io_uring_sync_cancel_reg* which) {
    BERTH_RING_TURN(io_uring_register_sync_cancel);
    return next(ring, which);
}
int io_uring_enter2(unsigned fd, unsigned submitted, unsigned least, unsigned flags, sigset_t* mask,
                    std::size_t size) {
    BERTH_RING_TURN(io_uring_enter2);
    if (submitted != 0 && (flags & IORING_ENTER_REGISTERED_RING) == 0) {
        const std::lock_guard lock(gate);
        for (io_uring* const ring : rings) {
            if (ring != nullptr && ring->ring_fd == static_cast<int>(fd)) look_at(*ring, submitted);
        }
    }
    return next(fd, submitted, least, flags, mask, size);
}

}  // extern "C"
