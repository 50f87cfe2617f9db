// The wrapped calls of liburing; see injected_results.hpp.
#include "kernel_faults/injected_results.hpp"

#include <liburing.h>

#include <algorithm>
#include <vector>

namespace {

constexpr std::uint32_t inject_result = 1;  // IORING_NOP_INJECT_RESULT

std::vector<::io_uring*> rings;
std::uint8_t wanted = 0;
int wished = 0, left = 0, done = 0;

// Entries that the kernel has not seen, of any ring: the one that is entered now is among them.
void rewrite() {
    for (::io_uring* const ring : rings) {
        if (ring->ring_fd < 0) continue;
        for (unsigned i = *ring->sq.khead; left > 0 && i != ring->sq.sqe_tail; ++i) {
            ::io_uring_sqe& entry = ring->sq.sqes[i & ring->sq.ring_mask];
            if (entry.opcode != wanted) continue;
            const auto user_data = entry.user_data;
            entry = {};
            entry.opcode = IORING_OP_NOP;
            entry.user_data = user_data;
            entry.rw_flags = static_cast<int>(inject_result);
            entry.len = static_cast<std::uint32_t>(wished);
            --left, ++done;
        }
    }
}

}  // namespace

extern "C" {

int __real_io_uring_queue_init_params(unsigned entries, ::io_uring* ring, ::io_uring_params* p);
int __real_io_uring_enter2(unsigned fd, unsigned submit, unsigned least, unsigned flags, ::sigset_t* sig,
                           std::size_t sz);
void __real_io_uring_queue_exit(::io_uring* ring);

int __wrap_io_uring_queue_init_params(unsigned entries, ::io_uring* ring, ::io_uring_params* p) {
    const int made = __real_io_uring_queue_init_params(entries, ring, p);
    if (made == 0) rings.push_back(ring);
    return made;
}
void __wrap_io_uring_queue_exit(::io_uring* ring) {
    rings.erase(std::remove(rings.begin(), rings.end(), ring), rings.end());
    __real_io_uring_queue_exit(ring);
}
int __wrap_io_uring_enter2(unsigned fd, unsigned submit, unsigned least, unsigned flags, ::sigset_t* sig,
                           std::size_t sz) {
    if (left > 0) rewrite();
    return __real_io_uring_enter2(fd, submit, least, flags, sig, sz);
}

}  // extern "C"

namespace kernel_faults_test {

void inject(std::uint8_t operation, int result, int times) {
    wanted = operation, wished = result, left = times, done = 0;
}
int injected() { return done; }

bool can_inject() {
    ::io_uring ring{};
    ::io_uring_params p{};
    if (__real_io_uring_queue_init_params(4, &ring, &p) != 0) return false;
    ::io_uring_sqe* const entry = ::io_uring_get_sqe(&ring);
    ::io_uring_prep_nop(entry);
    entry->rw_flags = static_cast<int>(inject_result);
    entry->len = static_cast<std::uint32_t>(-98);
    int result = 0;
    ::io_uring_cqe* got = nullptr;
    if (::io_uring_submit(&ring) == 1 && ::io_uring_wait_cqe(&ring, &got) == 0) result = got->res;
    __real_io_uring_queue_exit(&ring);
    return result == -98;
}

}  // namespace kernel_faults_test
