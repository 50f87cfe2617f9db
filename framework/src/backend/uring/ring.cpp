// Making a ring, step by step down to what this kernel knows, and its system calls.
//
// The kernel is asked, never its version: a flag that it does not know is EINVAL, an operation is in its own list.
#include "backend/uring/ring.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

namespace berth::detail {
namespace {

using namespace std::chrono_literals;

constexpr unsigned always = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
constexpr unsigned one_thread = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_R_DISABLED | IORING_SETUP_TASKRUN_FLAG;
constexpr unsigned steps[] = {
    always | IORING_SETUP_SUBMIT_ALL | one_thread | IORING_SETUP_DEFER_TASKRUN,
    always | IORING_SETUP_SUBMIT_ALL | one_thread | IORING_SETUP_COOP_TASKRUN,
    always | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    always | IORING_SETUP_SUBMIT_ALL,
    always,
};
constexpr unsigned needed =
    IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG;
constexpr std::uint32_t fewest_entries = 64;
constexpr std::uint32_t enters_until_named = 64;

// Not an address or a system's number: those may be a later thread's too.
std::uint64_t this_thread() noexcept {
    static std::atomic<std::uint64_t> last{0};
    thread_local const std::uint64_t mine = ++last;
    return mine;
}

// The kernel gives back the memory of a ring some time after its close, and until then it counts as its user's.
std::atomic<ring::clock::rep> last_close{0};

bool closed_since(ring::clock::time_point moment) noexcept {
    return last_close.load(std::memory_order_relaxed) > moment.time_since_epoch().count();
}

}  // namespace

int ring::open(std::uint32_t entries, const ring_limits& limits) noexcept {
    int error = -EINVAL;
    const auto start = clock::now();
    for (;;) {
        for (const unsigned flags : steps) {
            if (!limits.deferred_work && (flags & IORING_SETUP_DEFER_TASKRUN) != 0) continue;
            if (!limits.single_issuer && (flags & IORING_SETUP_SINGLE_ISSUER) != 0) continue;
            error = try_open(entries, limits, flags);
            if (error != -EINVAL) break;
        }
        if (error == -ENOMEM && clock::now() - start < limits.patience && closed_since(start - 1s)) {
            std::this_thread::sleep_for(5ms);
            continue;
        }
        if (error != -ENOMEM || entries <= fewest_entries) return error;
        entries /= 2;
    }
}

int ring::try_open(std::uint32_t entries, const ring_limits& limits, unsigned flags) noexcept {
    ::io_uring_params parameters{};
    parameters.flags = flags;
    parameters.cq_entries = limits.completion_queue != 0 ? limits.completion_queue : 4 * entries;
    int error = limits.setup(entries, &ring_, &parameters);
    if (error != 0) {
        ring_ = unopened();
        return error;
    }
    if (ring_.sq.array != nullptr) {
        // Entry i is always in slot i. Newer versions of liburing do this themselves.
        for (unsigned i = 0; i < ring_.sq.ring_entries; ++i) ring_.sq.array[i] = i;
    }
    error = check();
    if (error == 0 && limits.restrictions) error = limit_operations();
    if (error != 0) close();
    return error;
}

// Whoever gets hold of the ring, by taking over the process or by its descriptor, can do with it what berth does and no
// more: neither bind nor open, run or map anything, whatever a filter of system calls does not see. Where a ring is one
// thread's only, since another one cannot be restricted before it begins.
int ring::limit_operations() noexcept {
    if ((ring_.flags & IORING_SETUP_R_DISABLED) == 0) return 0;
    std::array<::io_uring_restriction, 16> allowed{};
    unsigned count = 0;
    for (const int op : {IORING_OP_NOP, IORING_OP_POLL_ADD, IORING_OP_ACCEPT, IORING_OP_CONNECT, IORING_OP_SEND,
                         IORING_OP_SENDMSG, IORING_OP_RECV, IORING_OP_RECVMSG, IORING_OP_ASYNC_CANCEL}) {
        allowed[count].opcode = IORING_RESTRICTION_SQE_OP;
        allowed[count++].sqe_op = static_cast<std::uint8_t>(op);
    }
    for (const int op : {IORING_REGISTER_EVENTFD, IORING_REGISTER_RING_FDS, IORING_UNREGISTER_RING_FDS,
                         IORING_REGISTER_PBUF_RING, IORING_UNREGISTER_PBUF_RING, IORING_REGISTER_SYNC_CANCEL}) {
        allowed[count].opcode = IORING_RESTRICTION_REGISTER_OP;
        allowed[count++].register_op = static_cast<std::uint8_t>(op);
    }
    allowed[count].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
    allowed[count++].sqe_flags = IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS;
    const int error = ::io_uring_register(static_cast<unsigned>(ring_.ring_fd), IORING_REGISTER_RESTRICTIONS,
                                          allowed.data(), count);
    return error < 0 ? error : 0;
}

// A filter may let a ring be made and refuse to let it be used: then it is refused now.
int ring::check() noexcept {
    if ((ring_.features & needed) != needed) return -EOPNOTSUPP;
    constexpr unsigned most = 256;
    alignas(::io_uring_probe) std::array<std::byte, sizeof(::io_uring_probe) + most * sizeof(::io_uring_probe_op)>
        memory{};
    auto& known = *::new (memory.data())::io_uring_probe();
    const int error = ::io_uring_register_probe(&ring_, &known, most);
    if (error != 0) return error;
    for (const int op : {IORING_OP_POLL_ADD, IORING_OP_SENDMSG, IORING_OP_RECVMSG, IORING_OP_ACCEPT,
                         IORING_OP_CONNECT, IORING_OP_SEND, IORING_OP_RECV, IORING_OP_ASYNC_CANCEL}) {
        if (::io_uring_opcode_supported(&known, op) == 0) return -EOPNOTSUPP;
    }
    const int entered = ::io_uring_enter2(static_cast<unsigned>(ring_.ring_fd), 0, 0, 0, nullptr, 0);
    if (entered == -EPERM || entered == -EACCES || entered == -ENOSYS) return entered;  // EBADFD: it has not begun
    can_cancel_now_ = is_single();
    return 0;
}

void ring::close() noexcept {
    if (!is_open()) return;
    if (is_here()) rest();
    ::io_uring_queue_exit(&ring_);
    last_close.store(clock::now().time_since_epoch().count(), std::memory_order_relaxed);
    ring_ = unopened();
    issuer_ = 0;
    index_ = -1;
}

void ring::let_go() noexcept {
    issuer_ = 0;  // the name is in the parent's table
    close();
}

bool ring::is_here() const noexcept { return issuer_ == this_thread(); }

int ring::begin() noexcept {
    if (issuer_ != 0) return 0;
    if ((ring_.flags & IORING_SETUP_R_DISABLED) != 0) {
        // Not by liburing's own function: Debian's shared 2.3 declares it and does not export it.
        const int error =
            ::io_uring_register(static_cast<unsigned>(ring_.ring_fd), IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
        if (error < 0) return error;
    }
    issuer_ = this_thread();
    entered_ = 0;
    return 0;
}

// A thread that runs the loop for a moment only does not pay for it.
void ring::name_itself() noexcept {
    if (++entered_ != enters_until_named) return;
    ::io_uring_rsrc_update update{};
    update.offset = ~0U;
    update.data = static_cast<std::uint64_t>(ring_.ring_fd);
    if (::io_uring_register(static_cast<unsigned>(ring_.ring_fd), IORING_REGISTER_RING_FDS, &update, 1) == 1) {
        index_ = static_cast<int>(update.offset);
    }
}

// The name keeps the ring alive: it would outlive a close by another thread.
void ring::rest() noexcept {
    entered_ = 0;
    if (index_ < 0) return;
    ::io_uring_rsrc_update update{};
    update.offset = static_cast<unsigned>(index_);
    ::io_uring_register(static_cast<unsigned>(ring_.ring_fd), IORING_UNREGISTER_RING_FDS, &update, 1);
    index_ = -1;
}

int ring::enter(unsigned submit, unsigned least, const __kernel_timespec* timeout) noexcept {
    ::io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
    unsigned flags = IORING_ENTER_GETEVENTS;
    auto descriptor = static_cast<unsigned>(ring_.ring_fd);
    if (index_ >= 0) {
        flags |= IORING_ENTER_REGISTERED_RING;
        descriptor = static_cast<unsigned>(index_);
    } else {
        name_itself();
    }
    if (timeout == nullptr || least == 0)
        return ::io_uring_enter2(descriptor, submit, least, flags, nullptr, _NSIG / 8);
    ::io_uring_getevents_arg argument{};
    argument.ts = reinterpret_cast<std::uintptr_t>(timeout);
    return ::io_uring_enter2(descriptor, submit, least, flags | IORING_ENTER_EXT_ARG,
                             reinterpret_cast<sigset_t*>(&argument), sizeof argument);
}

// Without waiting for a worker of the kernel's that is at it: the end of that comes as deferred work, which wakes
// nobody in here (seen on 6.18, where it waits for ever).
int ring::cancel_now(std::uint64_t user_data) noexcept {
    ::io_uring_sync_cancel_reg request{};
    request.addr = user_data;
    request.fd = -1;
    request.timeout = {0, 0};
    return ::io_uring_register_sync_cancel(&ring_, &request);
}

}  // namespace berth::detail
