// A forked child draws other ports than its parent.
#include "claim/draw_source.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace {

using namespace berth::claim;

std::array<std::uint16_t, 32> a_few_draws() {
    std::array<std::uint16_t, 32> out{};
    for (auto& bits : out) bits = next_draw().bits;
    return out;
}

TEST(draw_source, a_forked_child_does_not_repeat_its_parents_draws) {
    static_cast<void>(next_draw());  // the buffer is partly used when the fork comes
    int fds[2];
    ASSERT_EQ(::pipe(fds), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto mine = a_few_draws();
        ::_exit(::write(fds[1], mine.data(), sizeof mine) == sizeof mine ? 0 : 1);
    }
    std::array<std::uint16_t, 32> childs{};
    EXPECT_EQ(::read(fds[0], childs.data(), sizeof childs), static_cast<ssize_t>(sizeof childs));
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    ::close(fds[0]);
    ::close(fds[1]);
    EXPECT_NE(a_few_draws(), childs);
}

}  // namespace
