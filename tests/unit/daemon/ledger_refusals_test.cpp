// A ledger for which the kernel has no memory, no descriptor and no room: each of its calls fails once, and the
// caller is told why, holds nothing, and has lost no descriptor.
#include "platform/ledger.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <filesystem>
#include <iterator>

namespace berth::daemon::test {
namespace {

int calls_left = 0;  // before one fails; 0: none does
int refusal = 0;     // its errno

bool refuses() {
    if (calls_left == 0 || --calls_left > 0) return false;
    errno = refusal;
    return true;
}

long open_descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

/// How many calls failed, one in each attempt, before an attempt in which none did.
template <class Attempt>
int at_each_call(int error, Attempt attempt) {
    for (int at = 1;; ++at) {
        const auto before = open_descriptors();
        calls_left = at;
        refusal = error;
        ledger out;
        const int result = attempt(out);
        if (calls_left != 0) {
            calls_left = 0;
            EXPECT_EQ(result, 0);
            EXPECT_GE(out.handle(), 0);
            return at - 1;
        }
        EXPECT_EQ(result, error) << "call " << at;
        EXPECT_LT(out.handle(), 0) << "call " << at;
        EXPECT_EQ(open_descriptors(), before) << "call " << at;
        if (testing::Test::HasFailure()) return -1;
    }
}

TEST(ledger_refusals, of_one_that_is_made) {
    EXPECT_EQ(at_each_call(ENOMEM, [](ledger& out) { return ledger::make(7, 100, out); }), 4);
}

TEST(ledger_refusals, of_one_that_is_opened) {
    ledger good;
    ASSERT_EQ(ledger::make(7, 100, good), 0);
    EXPECT_EQ(at_each_call(ENFILE,
                           [&](ledger& out) {
                               const int kept = std::exchange(calls_left, 0);
                               platform::descriptor copy(::fcntl(good.handle(), F_DUPFD_CLOEXEC, 0));
                               calls_left = kept;
                               return ledger::open(std::move(copy), out);
                           }),
              3);
}

TEST(ledger_refusals, of_one_that_says_of_itself_what_cannot_be) {
    struct {
        std::uint64_t magic = 0, block = 7;
        std::uint32_t ports = 0, unused = 0;
        std::uint64_t words[1024] = {};
    } page;
    ledger good;
    ASSERT_EQ(ledger::make(7, 64, good), 0);
    ASSERT_EQ(::pread(good.handle(), &page.magic, sizeof page.magic, 0), 8);
    const auto opens = [&](std::uint32_t ports, off_t size) {
        page.ports = ports;
        platform::descriptor file(::memfd_create("ledger", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        EXPECT_EQ(::pwrite(file.get(), &page, sizeof page, 0), static_cast<ssize_t>(sizeof page));
        EXPECT_EQ(::ftruncate(file.get(), size), 0);
        EXPECT_EQ(::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
        ledger out;
        return ledger::open(std::move(file), out);
    };
    EXPECT_EQ(opens(64, 32), 0);
    EXPECT_EQ(opens(64, 24), EBADMSG) << "no word at all";
    EXPECT_EQ(opens(0, 32), EBADMSG);
    EXPECT_EQ(opens(65537, 32), EBADMSG);
    EXPECT_EQ(opens(65536, sizeof page), 0);
}

TEST(ledger_refusals, of_one_that_takes_the_place_of_another_leave_that_one) {
    ledger out;
    ASSERT_EQ(ledger::make(7, 100, out), 0);
    out.add(3);
    calls_left = 1;
    refusal = EMFILE;
    EXPECT_EQ(ledger::make(8, 50, out), EMFILE);
    EXPECT_EQ(out.block(), 7u);
    EXPECT_TRUE(out.has(3));
    out.remove(4);
    EXPECT_EQ(out.count(), 1u) << "what is not there is not taken out";
}

}  // namespace
}  // namespace berth::daemon::test

extern "C" {

int __real_memfd_create(const char* name, unsigned flags);
int __real_ftruncate(int fd, off_t size);
void* __real_mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_fcntl(int fd, int command, ...);
int __real_fstat(int fd, struct stat* out);

int __wrap_memfd_create(const char* name, unsigned flags) {
    return berth::daemon::test::refuses() ? -1 : __real_memfd_create(name, flags);
}
int __wrap_ftruncate(int fd, off_t size) { return berth::daemon::test::refuses() ? -1 : __real_ftruncate(fd, size); }
void* __wrap_mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
    return berth::daemon::test::refuses() ? MAP_FAILED : __real_mmap(at, size, protection, flags, fd, offset);
}
int __wrap_fcntl(int fd, int command, ...) {
    va_list list;
    va_start(list, command);
    const long argument = va_arg(list, long);
    va_end(list);
    return berth::daemon::test::refuses() ? -1 : __real_fcntl(fd, command, argument);
}
int __wrap_fstat(int fd, struct stat* out) { return berth::daemon::test::refuses() ? -1 : __real_fstat(fd, out); }

}  // extern "C"
