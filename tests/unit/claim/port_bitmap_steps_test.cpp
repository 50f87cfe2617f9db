// The bitmap with another thread's step at one chosen instant: between a look at a word and what is made of it.
#include "claim/port_bitmap.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

namespace berth::test {

/// What another thread does, once: before a hint is lowered, or when so many loads are over.
struct other_step {
    std::function<void()> before_lowering, after_loads;
    int loads = 0, most_loads = 0;
    void load() {
        if (++loads > most_loads) run(after_loads);
    }
    static void run(std::function<void()>& step) {
        if (auto once = std::exchange(step, nullptr)) once();
    }
};
inline other_step meanwhile;

template <class T>
struct stepped_atomic : std::atomic<T> {
    T load() const {
        meanwhile.load();
        return std::atomic<T>::load();
    }
    T fetch_and(T bits) {
        other_step::run(meanwhile.before_lowering);
        return std::atomic<T>::fetch_and(bits);
    }
};

namespace {

using stepped_bitmap = claim::port_bitmap<stepped_atomic>;

// What is missing comes when the search should long be over: who takes two ports for a run of three waits for it.
TEST(port_bitmap_steps, a_run_that_lacks_its_last_port_is_none_and_not_looked_at_for_ever) {
    for (const std::uint32_t begin : {5u, 31u}) {  // in one word, and over two
        stepped_bitmap ports(2, 64, 8);
        for (const std::uint32_t i : {begin, begin + 1}) ports.put_back(i);
        meanwhile = {.before_lowering = {}, .after_loads = [&] { ports.put_back(begin + 2); }, .most_loads = 100};
        const std::uint32_t run = ports.claim_run({0}, 3, 1);
        const int loads = meanwhile.loads;
        meanwhile = {};
        EXPECT_EQ(run, claim::none) << "after " << loads << " loads";
        EXPECT_EQ(ports.available(), 2U) << "after " << loads << " loads";
    }
}

// A hint that stays low hides a word from every draw for as long as another one has ports.
TEST(port_bitmap_steps, a_port_that_comes_back_while_its_words_hint_is_lowered_is_drawn_where_it_is) {
    stepped_bitmap ports(2, 96);
    for (const std::uint32_t i : {40u, 70u}) ports.put_back(i);
    ASSERT_TRUE(ports.claim_given(40));  // its word is empty, and its hint not yet lowered
    bool came_back = false;
    meanwhile.before_lowering = [&] { ports.put_back(41), came_back = true; };
    EXPECT_EQ(ports.claim(ports.place_of(40)), 70U);
    meanwhile = {};
    ASSERT_TRUE(came_back) << "the search lowered no hint";
    ports.put_back(70);
    EXPECT_EQ(ports.claim(ports.place_of(40)), 41U) << "the first at or after its place";
}

}  // namespace
}  // namespace berth::test
