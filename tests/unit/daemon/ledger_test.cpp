// A ledger: what was written is read by the next one, and what is none is refused.
#include "platform/ledger.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace berth::daemon::test {
namespace {

platform::descriptor copy_of(const ledger& book) {
    return platform::descriptor(::fcntl(book.handle(), F_DUPFD_CLOEXEC, 0));
}

TEST(ledger, the_next_one_reads_what_was_written) {
    for (const std::uint32_t ports : {1u, 63u, 64u, 65u, 65536u}) {
        ledger first, next;
        ASSERT_EQ(ledger::make(42, ports, first), 0);
        first.add(0);
        first.add(ports - 1);
        first.add(ports - 1);
        first.add(ports / 2);
        first.remove(ports / 2);
        if (ports <= 2) first.add(0);
        ASSERT_EQ(ledger::open(copy_of(first), next), 0);
        EXPECT_EQ(next.block(), 42u);
        EXPECT_EQ(next.ports(), ports);
        EXPECT_EQ(next.count(), first.count());
        for (std::uint32_t i = 0; i < ports; ++i) ASSERT_EQ(next.has(i), first.has(i)) << i;
        next.remove(0);
        EXPECT_FALSE(first.has(0)) << "it is the same memory";
    }
}

TEST(ledger, what_is_none_is_refused) {
    const auto refused = [](int fd) {
        ledger out;
        return ledger::open(platform::descriptor(fd), out) == EBADMSG && out.handle() < 0;
    };
    EXPECT_TRUE(refused(::open("/dev/null", O_RDWR | O_CLOEXEC)));
    EXPECT_TRUE(refused(::memfd_create("empty", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
    ledger good;
    ASSERT_EQ(ledger::make(1, 100, good), 0);
    char bytes[40] = {};
    const auto size = ::pread(good.handle(), bytes, sizeof bytes, 0);
    ASSERT_GT(size, 0);
    const auto copy = [&](off_t length, int seals, int change) {
        const int fd = ::memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        char changed[sizeof bytes];
        std::memcpy(changed, bytes, sizeof bytes);
        if (change >= 0) changed[change] = static_cast<char>(changed[change] ^ 0x40);
        EXPECT_EQ(::pwrite(fd, changed, static_cast<std::size_t>(size), 0), size);
        EXPECT_EQ(::ftruncate(fd, length), 0);
        if (seals != 0) ::fcntl(fd, F_ADD_SEALS, seals);
        return fd;
    };
    constexpr int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    ledger same;
    EXPECT_EQ(ledger::open(platform::descriptor(copy(size, all, -1)), same), 0);
    EXPECT_TRUE(refused(copy(size, 0, -1))) << "somebody could cut it off under us";
    EXPECT_TRUE(refused(copy(size, F_SEAL_SHRINK, -1)));
    EXPECT_TRUE(refused(copy(size + 8, all, -1)));
    EXPECT_TRUE(refused(copy(size - 8, all, -1)));
    EXPECT_TRUE(refused(copy(size, all, 0))) << "another magic";
    EXPECT_TRUE(refused(copy(size, all, 16))) << "another number of ports";
    EXPECT_TRUE(refused(copy(1 << 20, all, -1)));
}

}  // namespace
}  // namespace berth::daemon::test
