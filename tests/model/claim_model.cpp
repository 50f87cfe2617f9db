// The claim's own templates under relacy: one owner a port, and no "none" while a port is available, in interleavings
// that no stress test would meet.
//
// In each model fewer ports are held at a time than exist, so a claim that comes back empty-handed is a lie.
#include "claim/claim_order.hpp"
#include "claim/port_bitmap.hpp"
#include "claim/port_queue.hpp"

#include <memory>

#include "model_atomic.hpp"

namespace {

using berth::claim::none;
using berth::model::ownership;
using bitmap = berth::claim::port_bitmap<berth::model::atomic>;
using queue = berth::claim::port_queue<berth::model::atomic>;
using order = berth::claim::claim_order<berth::model::atomic>;

constexpr unsigned interleavings = 100'000;

// Two words with two ports in all, with and without a summary: threads empty each other's words.
template <unsigned SummaryFrom>
struct two_words : rl::test_suite<two_words<SummaryFrom>, 2> {
    std::unique_ptr<bitmap> ports;
    std::unique_ptr<ownership[]> owner;

    void before() {
        ports = std::make_unique<bitmap>(std::uint16_t{2}, 64u, SummaryFrom);
        owner = std::make_unique<ownership[]>(64);
        ports->put_back(5);
        ports->put_back(40);
    }
    void thread(unsigned number) {
        for (unsigned round = 0; round < 3; ++round) {
            const std::uint32_t index = ports->claim({(number + round) % 2 * 32, 0x5555'5555'5555'5555u << number});
            RL_ASSERT(index == 5 || index == 40);
            owner[index].touch();
            ports->put_back(index);
        }
    }
    void after() { RL_ASSERT(ports->available() == 2); }
};

// The second of two ports moves from word to word just ahead of a search, as often as it takes to fool two collects
// that do not compare tags.
struct dodging_port : rl::test_suite<dodging_port, 2> {
    std::unique_ptr<bitmap> ports;

    void before() {
        ports = std::make_unique<bitmap>(std::uint16_t{2}, 64u, 8u);
        ports->put_back(40);
    }
    void thread(unsigned number) {
        if (number == 0) {
            // Owns one of the two ports at any instant; the other one is available.
            for (unsigned round = 0; round < 2; ++round) {
                ports->put_back(5);
                if (!ports->claim_given(40)) return;
                ports->put_back(40);
                if (!ports->claim_given(5)) return;
            }
        } else {
            RL_ASSERT(ports->claim({0}) != none);
        }
    }
};

// Three threads, each with its own way to claim, over the four ports of one word: pairs, a number, any.
struct mixed_ways : rl::test_suite<mixed_ways, 3> {
    std::unique_ptr<bitmap> ports;
    std::unique_ptr<ownership[]> owner;

    void before() {
        ports = std::make_unique<bitmap>(std::uint16_t{2}, 4u);
        owner = std::make_unique<ownership[]>(4);
        for (std::uint32_t i = 0; i < 4; ++i) ports->put_back(i);
    }
    void thread(unsigned number) {
        if (number == 0) {
            const std::uint32_t index = ports->claim_pair({0});
            if (index == none) return;
            owner[index].touch();
            owner[index + 1].touch();
            ports->put_back(index + 1);
            ports->put_back(index);
        } else if (number == 1) {
            if (!ports->claim_given(1)) return;
            owner[1].touch();
            ports->put_back(1);
        } else {
            for (unsigned round = 0; round < 2; ++round) {
                const std::uint32_t index = ports->claim({round});
                RL_ASSERT(index != none);
                owner[index].touch();
                ports->put_back(index);
            }
        }
    }
    void after() { RL_ASSERT(ports->available() == 4); }
};

// Runs over the border of two words, which take two steps, against a number on each side of it and another run: whoever
// is too late puts back what it had, and none is said only if somebody had a port of the run.
struct crossing_runs : rl::test_suite<crossing_runs, 3> {
    static constexpr std::uint32_t begin = 30, length = 4;
    std::unique_ptr<bitmap> ports;
    std::unique_ptr<ownership[]> owner;

    void before() {
        ports = std::make_unique<bitmap>(std::uint16_t{2}, 64u);
        owner = std::make_unique<ownership[]>(64);
        for (std::uint32_t i = begin; i < begin + length; ++i) ports->put_back(i);
    }
    void use(std::uint32_t first, std::uint32_t count) {
        for (std::uint32_t i = first; i < first + count; ++i) owner[i].touch();
        for (std::uint32_t i = first; i < first + count; ++i) ports->put_back(i);
    }
    void thread(unsigned number) {
        if (number == 0) {
            if (ports->claim_run({begin}, length, 1) == begin) use(begin, length);
        } else if (number == 1) {
            const std::uint32_t at = ports->claim_run({begin}, 2, 1);
            if (at != none) use(at, 2);
        } else {
            if (ports->claim_given(33)) use(33, 1);
        }
    }
    void after() {
        RL_ASSERT(ports->available() == length);
        RL_ASSERT(ports->claim_run({0}, length, 1) == begin);
    }
};

// A ring of two slots that goes round while threads sleep: the cycle in slot, head and tail must tell the turns
// apart. Two threads hold two indices at most between calls, so they never find it empty.
template <unsigned Threads>
struct small_ring : rl::test_suite<small_ring<Threads>, Threads> {
    std::unique_ptr<queue> ring;
    std::unique_ptr<ownership[]> owner;

    void before() {
        ring = std::make_unique<queue>(2u);
        owner = std::make_unique<ownership[]>(2);
        ring->enqueue(1);
        ring->enqueue(0);
    }
    void thread(unsigned) {
        for (unsigned round = 0; round < 2; ++round) {
            const std::uint32_t index = ring->dequeue();
            RL_ASSERT(Threads > 2 || index != queue::empty);
            if (index == queue::empty) continue;
            owner[index].touch();
            ring->enqueue(index);
        }
    }
    void after() {
        RL_ASSERT(ring->dequeue() + ring->dequeue() == 1);
        RL_ASSERT(ring->dequeue() == queue::empty);
    }
};

// first_in_first_out as claim_set does it, against a thread that claims by number behind the order's back.
struct order_and_number : rl::test_suite<order_and_number, 3> {
    std::unique_ptr<bitmap> ports;
    std::unique_ptr<order> line;
    std::unique_ptr<ownership[]> owner;

    void before() {
        ports = std::make_unique<bitmap>(std::uint16_t{2}, 3u);
        line = std::make_unique<order>(3u);
        owner = std::make_unique<ownership[]>(3);
        for (std::uint32_t i = 0; i < 3; ++i) put_back(i);
    }
    void put_back(std::uint32_t index) {
        ports->put_back(index);
        line->append(index);
    }
    std::uint32_t claim() {
        for (std::uint32_t index; (index = line->pop()) != none;) {
            if (ports->claim_given(index)) return index;
        }
        return ports->claim({0});
    }
    void thread(unsigned number) {
        for (unsigned round = 0; round < 2; ++round) {
            std::uint32_t index = 0;
            if (number == 0) {
                if (!ports->claim_given(0)) continue;
            } else {
                index = claim();
                RL_ASSERT(index != none);
            }
            owner[index].touch();
            put_back(index);
        }
    }
    void after() {
        // Every port is available, and has its one entry: three claims find three different ports by the order alone.
        unsigned found = 0;
        for (std::uint32_t index; (index = line->pop()) != none;) {
            RL_ASSERT(ports->claim_given(index));
            found |= 1u << index;
        }
        RL_ASSERT(found == 7);
    }
};

template <class Model>
void expect_holds() {
    const auto v = berth::model::check<Model>(interleavings);
    EXPECT_TRUE(v.holds) << v.report;
    EXPECT_GE(v.interleavings + 1, interleavings);
}

TEST(claim_model, two_words_have_one_owner_a_port_and_exact_exhaustion) { expect_holds<two_words<8>>(); }
TEST(claim_model, a_summary_hides_no_port) { expect_holds<two_words<1>>(); }
TEST(claim_model, pairs_numbers_and_draws_exclude_each_other) { expect_holds<mixed_ways>(); }
TEST(claim_model, runs_over_two_words_have_one_owner_a_port) { expect_holds<crossing_runs>(); }
TEST(claim_model, a_ring_that_went_round_has_one_owner_an_index) { expect_holds<small_ring<3>>(); }
TEST(claim_model, a_ring_is_not_empty_while_an_index_is_queued) { expect_holds<small_ring<2>>(); }
TEST(claim_model, a_port_that_moves_ahead_of_the_search_is_found) { expect_holds<dodging_port>(); }
TEST(claim_model, the_order_keeps_one_entry_a_port) { expect_holds<order_and_number>(); }

}  // namespace
