// The queue alone, one thread: order, the wrap of the ring at any size, and what "due" holds back.
#include "claim/port_queue.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

namespace {

using queue = berth::claim::port_queue<>;

class port_queue_of : public testing::TestWithParam<std::uint32_t> {};

TEST_P(port_queue_of, gives_back_what_came_first_over_many_turns_of_the_ring) {
    const std::uint32_t count = GetParam();
    queue q{count};
    std::deque<std::uint32_t> expected;
    std::vector<std::uint32_t> out(count);
    for (std::uint32_t i = 0; i < count; ++i) out[i] = i;
    std::mt19937 rng{count};
    for (std::uint32_t step = 0; step < 20 * count + 1000; ++step) {
        if (!out.empty() && rng() % 2 == 0) {
            std::swap(out[rng() % out.size()], out.back());
            q.enqueue(out.back());
            expected.push_back(out.back());
            out.pop_back();
        } else if (expected.empty()) {
            ASSERT_EQ(q.dequeue(), queue::empty);
            ASSERT_EQ(q.oldest(), queue::empty);
        } else {
            ASSERT_EQ(q.oldest(), expected.front());
            ASSERT_EQ(q.dequeue(), expected.front());
            out.push_back(expected.front());
            expected.pop_front();
        }
    }
}

TEST_P(port_queue_of, holds_all_indices_at_once) {
    const std::uint32_t count = GetParam();
    queue q{count};
    for (int turn = 0; turn < 3; ++turn) {
        for (std::uint32_t i = 0; i < count; ++i) q.enqueue(count - 1 - i);
        for (std::uint32_t i = 0; i < count; ++i) ASSERT_EQ(q.dequeue(), count - 1 - i);
        ASSERT_EQ(q.dequeue(), queue::empty);
    }
}

INSTANTIATE_TEST_SUITE_P(sizes, port_queue_of, testing::Values(1u, 2u, 3u, 8u, 100u, 65535u));

TEST(port_queue, keeps_the_oldest_until_it_is_due) {
    queue q{4};
    q.enqueue(3);
    q.enqueue(1);
    const auto only = [](std::uint32_t wanted) { return [wanted](std::uint32_t index) { return index == wanted; }; };
    EXPECT_EQ(q.dequeue_if(only(1)), queue::empty) << "1 is due, but 3 came first";
    EXPECT_EQ(q.dequeue_if(only(3)), 3u);
    EXPECT_EQ(q.dequeue_if(only(1)), 1u);
    EXPECT_EQ(q.dequeue_if(only(1)), queue::empty);
}

}  // namespace
