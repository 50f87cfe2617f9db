// Consecutive ports out of the bitmap, one thread: compared with a search port by port over many states and shapes.
#include "claim/claim_set.hpp"
#include "claim/port_bitmap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <random>
#include <vector>

namespace berth::test {

/// Another thread's steps come in before the loads that a test chooses.
struct between_loads {
    std::function<void()> step;
    std::uint32_t before = 0;  // bit n: before the n-th load
    std::uint32_t loads = 0;
    bool is_inside = false;
    void load() {
        if (!step || is_inside) return;
        is_inside = true;
        if (loads < 32 && (before >> loads & 1) != 0) step();
        ++loads;
        is_inside = false;
    }
};
inline between_loads other_thread;

template <class T>
struct watched_atomic : std::atomic<T> {
    T load() const {
        other_thread.load();
        return std::atomic<T>::load();
    }
};

}  // namespace berth::test

namespace {

using berth::test::other_thread;
namespace claim = berth::claim;

struct run_ground {
    run_ground(std::uint16_t first_port, std::uint32_t count)
        : first(first_port), ports(first_port, count), is_available(count) {}

    void put_back(std::uint32_t index, std::uint32_t length = 1) {
        for (std::uint32_t i = index; i < index + length; ++i) ports.put_back(i), is_available[i] = true;
    }
    [[nodiscard]] bool fits(std::uint32_t index, std::uint32_t length, std::uint32_t alignment) const {
        if ((first + index) % alignment != 0 || index + length > is_available.size()) return false;
        const auto begin = is_available.begin() + index;
        return std::find(begin, begin + length, false) == begin + length;
    }
    [[nodiscard]] bool any_fits(std::uint32_t length, std::uint32_t alignment) const {
        for (std::uint32_t i = 0; i < is_available.size(); ++i) {
            if (fits(i, length, alignment)) return true;
        }
        return false;
    }

    std::uint16_t first;
    claim::port_bitmap<> ports;
    std::vector<bool> is_available;
};

TEST(port_run, agrees_with_a_search_port_by_port) {
    std::minstd_rand engine(11);
    const auto random = [&] { return static_cast<std::uint32_t>(engine() >> 8); };
    std::uint32_t found = 0, missing = 0;
    for (const std::uint16_t first : {std::uint16_t{2}, std::uint16_t{5001}}) {
        for (const std::uint32_t count : {1u, 7u, 32u, 33u, 64u, 100u, 257u}) {
            run_ground ground(first, count);
            for (int step = 0; step < 3000; ++step) {
                const std::uint32_t one = random() % count;
                if (!ground.is_available[one] && random() % 4 != 0) ground.put_back(one);
                const std::uint32_t length = 1 + random() % 40, alignment = 1u << random() % 4;
                const auto from = ground.ports.place_of(random() % count);
                const std::uint32_t index = ground.ports.claim_run(from, length, alignment);
                if (index == claim::none) {
                    ++missing;
                    ASSERT_FALSE(ground.any_fits(length, alignment)) << length << " of " << count;
                    continue;
                }
                ++found;
                ASSERT_TRUE(ground.fits(index, length, alignment)) << index << " + " << length << " of " << count;
                for (std::uint32_t i = index; i < index + length; ++i) {
                    ASSERT_FALSE(ground.ports.claim_given(i));
                    ground.is_available[i] = false;
                }
                if (random() % 2 == 0) ground.put_back(index, length);
            }
            ASSERT_EQ(ground.ports.available(),
                      std::count(ground.is_available.begin(), ground.is_available.end(), true));
        }
    }
    EXPECT_GT(found, 1000U);
    EXPECT_GT(missing, 1000U);
}

TEST(port_run, may_be_the_whole_block_and_no_more) {
    for (const std::uint32_t count : {1u, 31u, 32u, 65u, 4096u, 65535u}) {
        run_ground ground(1, count);
        ground.put_back(0, count);
        for (const std::uint32_t place : {0u, count / 2, count - 1}) {
            EXPECT_EQ(ground.ports.claim_run(ground.ports.place_of(place), count + 1, 1), claim::none);
            EXPECT_EQ(ground.ports.claim_run(ground.ports.place_of(place), count, 1), 0U);
            EXPECT_EQ(ground.ports.available(), 0U);
            for (std::uint32_t i = 0; i < count; ++i) ground.ports.put_back(i);
        }
    }
}

// A run is whole at every instant, in one word or in the other, whenever it moves.
TEST(port_run, is_found_however_often_it_moves_ahead_of_the_search) {
    std::uint32_t searches = 0;
    for (std::uint32_t before = 0; before < 1024; ++before) {
        claim::port_bitmap<berth::test::watched_atomic> ports(2, 64, 8);
        for (const std::uint32_t i : {5u, 40u, 41u}) ports.put_back(i);
        std::uint32_t here = 40;
        other_thread = {[&] {
                            const std::uint32_t there = 44 - here;
                            ports.put_back(there);
                            if (ports.claim_given(here)) here = there;
                        },
                        before};
        const std::uint32_t run = ports.claim_run({0}, 2, 1);
        other_thread = {};
        ASSERT_NE(run, claim::none) << "steps before loads " << before;
        ++searches;
    }
    EXPECT_EQ(searches, 1024U);
}

TEST(port_run, begins_anywhere_in_the_block_about_as_often) {
    claim::claim_set set(30000, 256, berth::draw_order::random);
    for (std::uint32_t i = 0; i < 256; ++i) set.put_back(i);
    std::vector<int> begun(256);
    for (int i = 0; i < 20000; ++i) {
        const std::uint32_t index = set.claim_run(4, 4);
        ASSERT_NE(index, claim::none);
        ++begun[index];
        for (std::uint32_t k = 0; k < 4; ++k) set.put_back(index + k);
    }
    for (std::uint32_t i = 0; i < 256; ++i) {
        EXPECT_NEAR(begun[i], i % 4 == 0 ? 20000 / 64 : 0, i % 4 == 0 ? 120 : 0) << i;  // over six standard deviations
    }
}

}  // namespace
