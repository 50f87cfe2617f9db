// The claim over the ends of its counters: tags of 32 bits, cycles of 48, generations of 32, turns of 32.
//
// Each structure is made just below the wrap (late.hpp) and used across it, alone with a model beside it and by two
// threads: each port has one owner, `none` is said exactly when there is none, and nothing is ever lost.
#include "age/late.hpp"
#include "claim/claim_order.hpp"
#include "claim/port_bitmap.hpp"
#include "claim/port_queue.hpp"
#include "outbound/tuple_set.hpp"
#include "outbound/tuple_sets.hpp"
#include "support/private_member.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <thread>
#include <vector>

namespace berth::test {

struct turn_of_sets {
    friend auto member(turn_of_sets);
};
template struct private_member<turn_of_sets, &outbound::tuple_sets::turn_>;

}  // namespace berth::test

namespace age_test {
namespace {

using namespace berth::claim;

constexpr std::uint64_t tag = std::uint64_t{1} << 32;
constexpr std::uint64_t cycle = std::uint64_t{1} << 16;

std::uint64_t one_instant() noexcept { return 1; }

/// Claims and puts back from two threads; the port's owner writes plain memory. The number of wrongs.
template <class Claim, class PutBack>
int share_between_two(std::uint32_t ports, int rounds, Claim claim, PutBack put_back) {
    std::array<std::atomic<int>, 8> owners{};
    std::array<std::uint64_t, 8> plain{};
    std::atomic<int> wrongs{0};
    const auto work = [&] {
        for (int i = 0; i < rounds; ++i) {
            const std::uint32_t index = claim();
            if (index == none) continue;
            if (index >= ports || owners[index].fetch_add(1) != 0) ++wrongs;
            ++plain[index];
            if (owners[index].fetch_sub(1) != 1) ++wrongs;
            put_back(index);
        }
    };
    std::thread other(work);
    work();
    other.join();
    return wrongs;
}

template <std::uint64_t Start>
void bitmap_over_the_end(std::uint32_t ports) {
    constexpr std::uint32_t without_summary = ~0u;
    port_bitmap<late<Start>::template word> b(20001, ports, without_summary);
    EXPECT_EQ(b.available(), 0u);
    for (std::uint32_t i = 0; i < ports; ++i) b.put_back(i);
    std::uint64_t before = b.returns();
    bool began_again = false;
    for (int turn = 0; turn < 40; ++turn) {  // alone: every port once, then none
        std::uint32_t seen = 0;
        for (std::uint32_t i = 0; i < ports; ++i) {
            const std::uint32_t index = b.claim(b.place_of(next_draw()));
            ASSERT_LT(index, ports) << "turn " << turn;
            seen |= 1u << index;
        }
        EXPECT_EQ(seen, (1u << ports) - 1);
        EXPECT_EQ(b.claim(b.place_of(next_draw())), none);
        EXPECT_FALSE(b.claim_given(0));
        for (std::uint32_t i = 0; i < ports; ++i) b.put_back(i);
        began_again |= b.returns() < before;
        before = b.returns();
        EXPECT_EQ(b.available(), ports);
        const std::uint32_t run = b.claim_run(b.place_of(next_draw()), ports, 1);
        ASSERT_EQ(run, 0u);
        for (std::uint32_t i = 0; i < ports; ++i) b.put_back(i);
    }
    EXPECT_TRUE(began_again) << "the tags did not wrap: this shows nothing";
    EXPECT_EQ(share_between_two(
                  ports, 10'000, [&] { return b.claim(b.place_of(next_draw())); },
                  [&](std::uint32_t index) { b.put_back(index); }),
              0);
    EXPECT_EQ(b.available(), ports);
}

TEST(claim_age, tags_of_a_tiny_block_begin_again_after_4_g_returns) {
    for (const std::uint32_t ports : {1u, 2u, 3u}) bitmap_over_the_end<(tag - 20) * tag>(ports);
}

TEST(claim_age, none_is_exact_while_a_tag_begins_again) {
    // Two threads and two ports: whoever holds one always finds the other or the other thread has it.
    port_bitmap<late<(tag - 5'000) * tag>::word> b(20000, 2, ~0u);
    b.put_back(0), b.put_back(1);
    std::atomic<int> misses{0};
    const auto work = [&] {
        for (int i = 0; i < 10'000; ++i) {
            const std::uint32_t one = b.claim(b.place_of(next_draw()));
            if (one == none)
                ++misses;
            else
                b.put_back(one);
        }
    };
    std::thread other(work);
    work();
    other.join();
    EXPECT_EQ(misses, 0) << "never more than two ports' worth of owners, and two ports";
}

template <std::uint64_t Start>
void queue_over_the_end(std::uint32_t count) {
    using queue = port_queue<late<Start>::template word>;
    queue q(count);
    std::deque<std::uint32_t> expected;
    std::vector<std::uint32_t> out(count);
    for (std::uint32_t i = 0; i < count; ++i) out[i] = i;
    for (std::uint32_t step = 0; step < 200 * count; ++step) {
        const bool puts = expected.empty() || (!out.empty() && next_draw().bits % 2 == 0);
        if (expected.empty()) {
            ASSERT_EQ(q.dequeue(), queue::empty) << "step " << step;
            ASSERT_EQ(q.oldest(), queue::empty) << "step " << step;
        } else {
            ASSERT_EQ(q.oldest(), expected.front()) << "step " << step;
        }
        if (puts) {
            q.enqueue(out.back());
            expected.push_back(out.back());
            out.pop_back();
        } else {
            ASSERT_EQ(q.dequeue(), expected.front()) << "step " << step;
            out.push_back(expected.front());
            expected.pop_front();
        }
    }
    for (; !expected.empty(); expected.pop_front()) ASSERT_EQ(q.dequeue(), expected.front());
    for (std::uint32_t i = 0; i < count; ++i) q.enqueue(i);
    EXPECT_EQ(share_between_two(
                  count, 10'000, [&] { return q.dequeue(); }, [&](std::uint32_t index) { q.enqueue(index); }),
              0);
    std::uint32_t there = 0;
    while (q.dequeue() != queue::empty) ++there;
    EXPECT_EQ(there, count);
}

TEST(claim_age, a_queue_goes_on_over_each_end_of_its_cycles) {
    for (const std::uint32_t count : {1u, 2u, 3u, 8u}) {
        queue_over_the_end<(0xffff - 20) * cycle>(count);            // 2^16 cycles
        queue_over_the_end<(0xffff'ffff - 20) * cycle>(count);       // 2^32
        queue_over_the_end<(0xffff'ffff'ffff - 20) * cycle>(count);  // 2^48: the last that there is
    }
}

TEST(claim_age, first_in_first_out_keeps_its_order_over_the_end) {
    claim_order<late<(0xffff'ffff'ffff - 20) * cycle>::word> order(3);
    for (const std::uint32_t i : {0u, 1u, 2u}) order.append(i);
    for (std::uint32_t turn = 0; turn < 300; ++turn) {
        ASSERT_EQ(order.oldest(), turn % 3);
        ASSERT_EQ(order.pop(), turn % 3);
        order.append(turn % 3);
    }
}

TEST(claim_age, a_destinations_generation_begins_again_and_whoever_knew_the_former_is_refused) {
    std::atomic<std::uint64_t> word{(tag - 3) * tag};
    berth::outbound::tuple_life<> life(word);
    std::uint64_t former = 0;
    for (int turn = 0; turn < 8; ++turn) {
        life.begin();
        const std::uint64_t seen = life.look();
        ASSERT_TRUE(life.is_alive(seen));
        ASSERT_EQ(life.pins(seen), 1u);
        ASSERT_FALSE(life.retire()) << "it is pinned";
        ASSERT_TRUE(life.pin(seen));
        if (former != 0) {
            ASSERT_FALSE(life.pin(former)) << "turn " << turn;
        }
        life.unpin(), life.unpin();
        ASSERT_TRUE(life.retire());
        ASSERT_FALSE(life.pin(seen)) << "it is nobody's";
        former = seen;
    }
    EXPECT_LT(word.load() / tag, 8u) << "the generation did not wrap: this shows nothing";
}

TEST(claim_age, tuples_come_back_over_the_end_of_their_tags) {
    std::atomic<std::uint64_t> words[1] = {(tag - 4) * tag};
    berth::outbound::tuple_words<> tuples(words, 3);
    for (std::uint32_t port = 0; port < 3; ++port) tuples.put_back(port);
    for (int turn = 0; turn < 20; ++turn) {
        for (std::uint32_t port = 0; port < 3; ++port) ASSERT_TRUE(tuples.claim_given(port));
        ASSERT_FALSE(tuples.claim(
            0, [](std::uint32_t) { return true; }, [](std::uint32_t) { return true; }));
        for (std::uint32_t port = 0; port < 3; ++port) tuples.put_back(port);
        ASSERT_EQ(tuples.available(), 3u);
    }
    EXPECT_LT(tuples.returns(), 100u) << "the tag did not wrap: this shows nothing";
}

TEST(claim_age, connects_in_turn_use_every_port_over_the_end_of_the_turns) {
    static constexpr std::uint32_t ports = 3;
    claim_set slots(20000, ports, berth::draw_order::first_in_first_out);
    for (std::uint32_t i = 0; i < ports; ++i) slots.put_back(i);
    berth::outbound::tuple_sets sets(ports, 1, berth::draw_order::first_in_first_out, one_instant);
    (sets.*member(berth::test::turn_of_sets{})).store(~0u - 6);
    const berth::outbound::destination to({asio::ip::address_v4::loopback(), 443});
    std::array<int, ports> times{};
    for (int i = 0; i < 30; ++i) {
        berth::errc why{};
        const std::uint32_t slot = sets.claim(to, slots, why);
        ASSERT_LT(slot, ports) << "draw " << i;
        ++times[slot];
        sets.give_back(slot);
        slots.put_back(slot);
    }
    for (const int n : times) EXPECT_GE(n, 9) << "the order may skip once where the turn begins again, not more";
}

}  // namespace
}  // namespace age_test
