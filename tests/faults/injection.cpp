// Whose turn it is; see injection.hpp.
#include "faults/injection.hpp"

#include <atomic>
#include <cerrno>

#include <linux/io_uring.h>

namespace berth::test {
namespace {

// Armed by one thread, and counted on by many.
std::atomic<bool> is_armed{false};
std::atomic<fault_kind> armed_kind{fault_kind::calls};
std::atomic<std::uint32_t> fail_at{0}, error_number{0}, made{0};
std::atomic<const char*> reached{nullptr};
std::atomic<int> failed_with{0};
std::atomic<bool> has_failed{false}, was_last{true};
thread_local bool is_apart = false;

bool is_nth(fault_kind kind) noexcept {
    if (!is_armed.load(std::memory_order_acquire) || is_apart || armed_kind.load() != kind) return false;
    return made.fetch_add(1) == fail_at.load();
}

// One fault at a time, so they take turns whatever the verb is.
std::size_t chosen(std::size_t all) noexcept {
    static std::atomic<std::uint32_t> turns{0};
    const std::uint32_t which = error_number.load();
    return which != any_of_them || all == 0 ? which : turns.fetch_add(1) % all;
}

}  // namespace

void arm(fault_kind kind, std::uint32_t n, std::uint32_t which) noexcept {
    armed_kind = kind, fail_at = n, error_number = which, made = 0, reached = nullptr, failed_with = 0;
    has_failed = false, was_last = true;
    is_armed.store(true, std::memory_order_release);
}

namespace {
fault last;
}
const fault& last_fault() noexcept { return last; }

fault disarm() noexcept {
    is_armed.store(false, std::memory_order_release);
    fault& f = last = {};
    const char* const verb = reached.load();
    f.was_reached = verb != nullptr;
    if (verb != nullptr) f.verb = verb;
    f.has_failed = has_failed, f.error = failed_with, f.is_last_error = was_last, f.counted = made;
    return f;
}

stands_apart::stands_apart() noexcept : before_(is_apart) { is_apart = true; }
stands_apart::~stands_apart() { is_apart = before_; }

int turn_of(const char* verb) noexcept {
    if (!is_nth(fault_kind::calls)) return 0;
    const int saved = errno;
    const auto* const errors = errors_of(verb);
    const std::size_t all = errors != nullptr ? errors->size() : 0;
    const std::size_t which = chosen(all);
    was_last = which + 1 >= all;
    reached = verb;
    errno = saved;
    if (which >= all) return 0;
    has_failed = true, failed_with = (*errors)[which];
    return failed_with;
}

bool turn_of_memory() noexcept {
    if (!is_nth(fault_kind::memory)) return false;
    reached = "new", has_failed = true;
    return true;
}

int turn_of_entry(unsigned opcode, bool can_be_cut, bool is_multishot) noexcept {
    if (!is_nth(fault_kind::ring)) return 0;
    struct known {
        unsigned opcode;
        const char* name;
        std::vector<int> errors;
    };
    static const std::vector<known> all = {
        {IORING_OP_ACCEPT, "accept entry", {EMFILE, ENFILE, ENOMEM, ECONNABORTED, ECANCELED}},
        {IORING_OP_CONNECT, "connect entry", {ECONNREFUSED, ETIMEDOUT, ENOMEM, EADDRNOTAVAIL}},
        {IORING_OP_SEND, "send entry", {ENOBUFS, ENOMEM, EPIPE, ECONNRESET}},
        {IORING_OP_SENDMSG, "sendmsg entry", {ENOBUFS, ENOMEM, EPERM}},
        {IORING_OP_RECV, "recv entry", {ENOBUFS, ENOMEM, ECONNRESET, EAGAIN}},
        {IORING_OP_RECVMSG, "recvmsg entry", {ENOBUFS, ENOMEM, ECONNREFUSED, EAGAIN}},
        {IORING_OP_POLL_ADD, "poll entry", {ENOMEM, ECANCELED}},
    };
    for (const known& k : all) {
        if (k.opcode != opcode) continue;
        std::vector<int> errors = k.errors;
        if (can_be_cut) errors.push_back(cut_short);
        if (is_multishot) errors.push_back(only_one);
        const std::size_t which = chosen(errors.size());
        reached = k.name;
        was_last = which + 1 >= errors.size();
        if (which >= errors.size()) return 0;
        has_failed = true;
        if (errors[which] > 0) failed_with = errors[which];
        return errors[which];
    }
    reached = "another entry";
    return 0;
}

}  // namespace berth::test
