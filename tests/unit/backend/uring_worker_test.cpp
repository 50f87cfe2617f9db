// Operations that a worker thread of the kernel's is at. Sockets' come there when they were woken again and again for
// nothing, which is rare; a splice is always there.
#include "unit/backend/uring_ground.hpp"

#include <unistd.h>

#include <array>

namespace {

using namespace berth_test;
using namespace std::chrono_literals;

struct ending_of_a_worker : testing::Test {
    void SetUp() override {
        ring_limits limits;
        limits.restrictions = false;  // berth splices nothing
        const int error = ring_.open(8, limits);
        if (error < 0) GTEST_SKIP() << words_for_refusal(error);
        ASSERT_EQ(ring_.begin(), 0);
        if (!ring_.can_cancel_now()) GTEST_SKIP() << "the kernel cannot cancel at once";
        ASSERT_EQ(::pipe2(from_.data(), O_CLOEXEC), 0);
        ASSERT_EQ(::pipe2(to_.data(), O_CLOEXEC), 0);
    }
    void TearDown() override {
        for (const int end : {from_[0], from_[1], to_[0], to_[1]}) {
            if (end >= 0) ::close(end);
        }
    }
    ring ring_;
    std::array<int, 2> from_{-1, -1}, to_{-1, -1};
};

TEST_F(ending_of_a_worker, cancelling_does_not_wait_for_it_and_its_result_comes) {
    const __kernel_timespec moment{0, 1000}, most{5, 0};
    ring_.gather(1, &moment);  // in vain: from here on the ring knows that nobody waits for results
    int while_at_work = 0;
    const auto end = std::chrono::steady_clock::now() + 20s;  // a busy machine rarely has it at work in that moment
    const auto is_rare = [&] { return while_at_work <= 10 && std::chrono::steady_clock::now() < end; };
    for (std::uint64_t name = 10; name < 210 || is_rare(); ++name) {
        ::io_uring_sqe* const entry = ring_.slot();
        ASSERT_NE(entry, nullptr);
        ::io_uring_prep_splice(entry, from_[0], -1, to_[1], -1, 1, 0);
        entry->user_data = name;
        ASSERT_EQ(ring_.enter(0, nullptr), 1);
        if (name % 2 == 0) std::this_thread::sleep_for(200us);  // it waits; or is on its way there

        const auto start = std::chrono::steady_clock::now();
        if (ring_.cancel_now(name) == -ETIME) ++while_at_work;
        EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);

        ring_.gather(1, &most);
        ASSERT_EQ(ring_.results(), 1U) << "at " << name;
        EXPECT_EQ(ring_.result(0).user_data, name);
        EXPECT_LT(ring_.result(0).result, 0);
        ring_.forget(1);
    }
    EXPECT_GT(while_at_work, 10);
}

}  // namespace
