// More threads that draw than there are numbers for them, and a draw of a pair where no port is in the order.
#include "claim/claim_set.hpp"
#include "claim/draw_source.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace berth::claim;

/// Each thread draws once and lives until all have: the numbers that they drew as.
std::vector<unsigned> numbers_of(unsigned threads) {
    std::mutex gate;
    std::condition_variable all_drew;
    std::vector<unsigned> numbers;
    std::vector<std::thread> running;
    for (unsigned i = 0; i < threads; ++i) {
        running.emplace_back([&] {
            const draw mine = next_draw();
            std::unique_lock lock(gate);
            numbers.push_back(mine.number);
            all_drew.notify_all();
            all_drew.wait(lock, [&] { return numbers.size() == threads; });
        });
    }
    for (auto& thread : running) thread.join();
    return numbers;
}

TEST(many_drawers, share_numbers_when_there_are_more_than_64_and_give_them_back) {
    for (int round = 0; round < 3; ++round) {
        std::vector<bool> seen(64);
        for (const unsigned number : numbers_of(80)) {
            ASSERT_LT(number, 64u);
            seen[number] = true;
        }
        unsigned different = 0;
        for (const bool one : seen) different += one ? 1 : 0;
        EXPECT_GE(different, 63u) << "round " << round << ": a number was not given back";
    }
}

TEST(many_drawers, a_pair_of_an_order_that_is_empty_is_none) {
    claim_set ports(5000, 10, berth::draw_order::first_in_first_out);
    EXPECT_EQ(ports.claim_pair(), none);
    EXPECT_EQ(ports.claim_run(3, 1), none);
    EXPECT_EQ(ports.claim(), none);
}

}  // namespace
