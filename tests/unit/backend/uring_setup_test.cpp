// How a ring is made, and refused: by a filter, by the system, by a kernel that knows less.
#include "unit/backend/uring_ground.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstddef>
#include <filesystem>
#include <fstream>

namespace {

using namespace berth_test;

int io_uring_switch() {
    int value = 0;
    std::ifstream("/proc/sys/kernel/io_uring_disabled") >> value;
    return value;
}

int answer = 0;
int refusing_setup(unsigned, ::io_uring*, ::io_uring_params*) { return answer; }

std::string reason_for(int error) {
    answer = error;
    std::string reason;
    ring_limits limits;
    limits.setup = refusing_setup;
    limits.patience = {};
    const auto before = open_descriptors();
    EXPECT_EQ(uring_backend::make({}, limits, reason), nullptr);
    EXPECT_EQ(open_descriptors(), before);
    return reason;
}

bool says(const std::string& text, const char* word) { return text.find(word) != std::string::npos; }

TEST(uring_setup, each_refusal_names_its_cause_and_the_remedy) {
    EXPECT_TRUE(says(reason_for(-ENOSYS), "Linux 5.11")) << reason_for(-ENOSYS);
    EXPECT_TRUE(says(reason_for(-EINVAL), "too old"));
    EXPECT_TRUE(says(reason_for(-ENOMEM), "ulimit -l"));
    EXPECT_TRUE(says(reason_for(-EMFILE), "ulimit -n"));
    EXPECT_TRUE(says(reason_for(-ENFILE), "fs.file-max"));
    EXPECT_TRUE(says(reason_for(-EIO), "refused"));
    const char* const cause = io_uring_switch() == 0 ? "seccomp" : "io_uring_disabled";
    EXPECT_TRUE(says(reason_for(-EPERM), cause)) << reason_for(-EPERM);
}

// Whoever has it can have it do no more than berth does: a ring binds where a filter denies bind(2).
TEST(uring_setup, a_ring_does_nothing_that_berth_does_not_ask_for) {
    ring one;
    ASSERT_EQ(one.open(8, {}), 0);
    if (!one.is_single()) GTEST_SKIP() << "this kernel's rings begin at once (before Linux 6.0): nothing restricts them";
    ASSERT_EQ(one.begin(), 0);
    const auto result_of = [&](std::uint8_t op, std::uint8_t flags = 0) {
        ::io_uring_sqe* const entry = one.slot();
        ::io_uring_prep_nop(entry);
        entry->opcode = op;
        entry->flags = flags;
        entry->fd = -1;
        one.enter(1, nullptr);
        const int result = one.result(0).result;
        one.forget(1);
        return result;
    };
    EXPECT_EQ(result_of(IORING_OP_NOP), 0);
    EXPECT_EQ(result_of(IORING_OP_RECV), -EBADF);
    constexpr std::uint8_t bind = 56, listen = 57;  // from Linux 6.11 on
    for (const std::uint8_t op : {bind, listen, std::uint8_t{IORING_OP_SOCKET}, std::uint8_t{IORING_OP_OPENAT},
                                  std::uint8_t{IORING_OP_READ}, std::uint8_t{IORING_OP_WRITE}, std::uint8_t{IORING_OP_CLOSE},
                                  std::uint8_t{IORING_OP_URING_CMD}, std::uint8_t{IORING_OP_MSG_RING},
                                  std::uint8_t{IORING_OP_SEND_ZC}}) {
        const int result = result_of(op);
        EXPECT_TRUE(result == -EACCES || (op >= bind && result == -EINVAL)) << int{op} << ": " << result;
    }
    EXPECT_EQ(result_of(IORING_OP_NOP, IOSQE_FIXED_FILE), -EACCES);
    EXPECT_EQ(::io_uring_register(static_cast<unsigned>(one.descriptor()), IORING_REGISTER_PERSONALITY, nullptr, 0), -EACCES);
    EXPECT_EQ(result_of(IORING_OP_NOP), 0);
}

/// In a child, because there is no way back: `call` answers `error` to it.
std::string reason_under_a_filter(long call, unsigned error) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    fd in(ends[0]), out(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        sock_filter program[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const sock_fprog filter{4, program};
        std::string reason;
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, 2, &filter) != 0) {
            reason = "no filter";
        } else if (make_uring_backend({}, reason) != nullptr) {
            reason = "it was made";
        }
        [[maybe_unused]] const auto n = ::write(out, reason.data(), reason.size());
        ::_exit(0);
    }
    out.close();
    std::string text(1000, '\0');
    const auto n = ::read(in, text.data(), text.size());
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    ::waitpid(child, nullptr, 0);
    return text;
}

TEST(uring_setup, a_filter_that_denies_any_of_its_calls_is_noticed_at_once) {
    if (io_uring_switch() != 0) GTEST_SKIP() << "io_uring is switched off on this system";
    if (const char* no = std::getenv("BERTH_NO_BPF")) GTEST_SKIP() << "no filters on this kernel: " << no;
    for (const long call : {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register}) {
        const std::string reason = reason_under_a_filter(call, EPERM);
        EXPECT_TRUE(says(reason, "seccomp") && says(reason, "io_uring_enter")) << call << ": " << reason;
        EXPECT_TRUE(says(reason_under_a_filter(call, ENOSYS), "seccomp")) << call;
    }
}

unsigned unknown_flags = 0, least_flags_seen = 0;
int older_setup(unsigned entries, ::io_uring* r, ::io_uring_params* p) {
    if ((p->flags & unknown_flags) != 0) return -EINVAL;
    least_flags_seen = p->flags;
    return ::io_uring_queue_init_params(entries, r, p);
}

TEST(uring_setup, a_kernel_that_does_not_know_the_newest_flags_gets_older_ones) {
    const std::pair<unsigned, unsigned> kernels[] = {
        {0, IORING_SETUP_DEFER_TASKRUN},
        {IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_SINGLE_ISSUER},
        {IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_COOP_TASKRUN},
        {IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
         IORING_SETUP_SUBMIT_ALL},
        {~(IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP), IORING_SETUP_CQSIZE},
    };
    for (const auto& [unknown, known] : kernels) {
        unknown_flags = unknown;
        ring_limits limits;
        limits.setup = older_setup;
        std::string reason;
        const auto made = uring_backend::make({}, limits, reason);
        if (made == nullptr && io_uring_switch() != 0) GTEST_SKIP() << reason;
        ASSERT_NE(made, nullptr) << reason;
        EXPECT_EQ(least_flags_seen & known, known);
        EXPECT_EQ(made->facts().accepts_many,
                  (known & (IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER)) != 0);
    }
}

int poor_setup(unsigned entries, ::io_uring* r, ::io_uring_params* p) {
    const int made = ::io_uring_queue_init_params(entries, r, p);
    r->features = 0;
    return made;
}

TEST(uring_setup, a_ring_that_lacks_what_is_needed_is_refused_and_closed) {
    if (io_uring_switch() != 0) GTEST_SKIP() << "io_uring is switched off on this system";
    const auto before = open_descriptors();
    ring_limits limits;
    limits.setup = poor_setup;
    std::string reason;
    EXPECT_EQ(uring_backend::make({}, limits, reason), nullptr);
    EXPECT_TRUE(says(reason, "too old")) << reason;
    EXPECT_EQ(open_descriptors(), before);
}

int small_setup(unsigned entries, ::io_uring* r, ::io_uring_params* p) {
    return entries > 200 ? -ENOMEM : ::io_uring_queue_init_params(entries, r, p);
}

TEST(uring_setup, with_little_memory_there_are_fewer_entries) {
    ring_limits limits;
    limits.setup = small_setup;
    limits.patience = {};
    std::string reason;
    const auto made = uring_backend::make({.entries = 1024}, limits, reason);
    if (made == nullptr && io_uring_switch() != 0) GTEST_SKIP() << reason;
    ASSERT_NE(made, nullptr) << reason;
    EXPECT_EQ(made->facts().submission_queue, 128U);
}

int refusals = 0;
int soon_setup(unsigned entries, ::io_uring* r, ::io_uring_params* p) {
    return refusals-- > 0 ? -ENOMEM : ::io_uring_queue_init_params(entries, r, p);
}

TEST(uring_setup, memory_that_an_ended_ring_still_holds_is_waited_for) {
    std::string reason;
    if (make_uring_backend({}, reason) == nullptr) GTEST_SKIP() << reason;  // and ended
    ring_limits limits;
    limits.setup = soon_setup;
    refusals = 10;
    const auto made = uring_backend::make({.entries = 1024}, limits, reason);
    ASSERT_NE(made, nullptr) << reason;
    EXPECT_EQ(made->facts().submission_queue, 1024U);
}

TEST(uring_setup, no_descriptor_survives_exec_or_the_end) {
    const auto before = open_descriptors();
    {
        std::string reason;
        const auto made = make_uring_backend({}, reason);
        if (made == nullptr) GTEST_SKIP() << reason;
        made->look();
        for (const auto& e : std::filesystem::directory_iterator("/proc/self/fd")) {
            const std::string to = std::filesystem::read_symlink(e).string();
            if (!says(to, "io_uring") && !says(to, "eventfd")) continue;
            EXPECT_EQ(::fcntl(std::stoi(e.path().filename()), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << to;
        }
        EXPECT_EQ(open_descriptors(), before + 2);
    }
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
