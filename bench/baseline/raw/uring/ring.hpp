// An io_uring set up as well as the kernel allows, and its loop: submit and wait in one call, handle what came.
//
// One thread owns it. The set-up flags are a ladder: the newest is dropped until the kernel agrees.
#pragma once

#include <liburing.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace berth::bench::raw {

inline void check_result(int result, const char* what) {
    if (result < 0) throw std::system_error(-result, std::system_category(), what);
}

class ring {
public:
    explicit ring(unsigned submissions = 1024, unsigned completions = 8192) {
        constexpr unsigned ladder[] = {
            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN,
            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN, IORING_SETUP_COOP_TASKRUN, 0};
        int result = -EINVAL;
        for (const unsigned flags : ladder) {
            io_uring_params setup{};
            setup.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL;
            setup.cq_entries = completions;
            result = io_uring_queue_init_params(submissions, &ring_, &setup);
            if (result != -EINVAL) break;
        }
        check_result(result, "io_uring_setup");
        io_uring_register_ring_fd(&ring_);  // saves a look-up a call; a kernel without it does no harm
    }
    ~ring() { io_uring_queue_exit(&ring_); }
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;

    [[nodiscard]] io_uring& native() noexcept { return ring_; }

    /// A free entry; what is queued is submitted if there is none.
    [[nodiscard]] io_uring_sqe* next() noexcept {
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        while (entry == nullptr) {
            io_uring_submit(&ring_);
            entry = io_uring_get_sqe(&ring_);
        }
        return entry;
    }

    /// Submits, waits for at least one completion, and calls handle(cqe) for all that are there.
    template <class Handle>
    void turn(Handle&& handle) {
        const int result = io_uring_submit_and_wait(&ring_, 1);
        if (result < 0 && result != -EINTR && result != -EBUSY && result != -EAGAIN)
            check_result(result, "io_uring_enter");
        unsigned head = 0, seen = 0;
        io_uring_cqe* completion = nullptr;
        io_uring_for_each_cqe(&ring_, head, completion) {
            handle(*completion);
            ++seen;
        }
        io_uring_cq_advance(&ring_, seen);
    }

private:
    io_uring ring_{};
};

}  // namespace berth::bench::raw
