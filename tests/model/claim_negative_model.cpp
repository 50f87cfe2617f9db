// Negative controls: the designs that the claim is not, and that the same model check must reject.
//
// An untagged free list and an untagged ring give one port to two owners; a single look at all words says "none"
// while a port is available. If relacy stopped to see these, its silence about the real ones would mean nothing.
#include <cstdint>
#include <memory>

#include "model_atomic.hpp"

namespace {

using berth::model::ownership;
template <class T>
using atomic = berth::model::atomic<T>;

constexpr unsigned interleavings = 100'000;
constexpr std::uint32_t nothing = ~std::uint32_t{0};

// A stack of indices whose head carries no tag: pop reads the next index, sleeps, and installs it after it was taken.
struct untagged_free_list : rl::test_suite<untagged_free_list, 2> {
    std::unique_ptr<atomic<std::uint32_t>[]> next;
    std::unique_ptr<atomic<std::uint32_t>> head;
    std::unique_ptr<ownership[]> owner;

    void before() {
        next = std::make_unique<atomic<std::uint32_t>[]>(3);
        head = std::make_unique<atomic<std::uint32_t>>();
        owner = std::make_unique<ownership[]>(3);
        head->store(nothing);
        for (std::uint32_t i = 3; i-- > 0;) put_back(i);
    }
    void put_back(std::uint32_t index) {
        std::uint32_t top = head->load();
        do next[index].store(top);
        while (!head->compare_exchange_strong(top, index));
    }
    std::uint32_t claim() {
        std::uint32_t top = head->load();
        while (top != nothing && !head->compare_exchange_strong(top, next[top].load())) {
        }
        return top;
    }
    void thread(unsigned number) {
        if (number == 0) {
            const std::uint32_t a = claim();
            if (a != nothing) owner[a].touch();
            const std::uint32_t b = claim();
            if (b != nothing) owner[b].touch();
        } else {
            const std::uint32_t a = claim();
            const std::uint32_t b = claim();
            if (a != nothing) put_back(a);
            if (b != nothing) owner[b].touch();
        }
    }
};

// port_queue's steps over two slots, but positions and slots forget how often the ring went round.
struct untagged_ring : rl::test_suite<untagged_ring, 3> {
    std::unique_ptr<atomic<std::uint32_t>[]> slot;
    std::unique_ptr<atomic<std::uint32_t>> head, tail;
    std::unique_ptr<ownership[]> owner;

    void before() {
        slot = std::make_unique<atomic<std::uint32_t>[]>(2);
        head = std::make_unique<atomic<std::uint32_t>>();
        tail = std::make_unique<atomic<std::uint32_t>>();
        owner = std::make_unique<ownership[]>(2);
        head->store(0), tail->store(0);
        slot[0].store(1), slot[1].store(0);
    }
    std::uint32_t claim() {
        for (std::uint32_t at = head->load();;) {
            const std::uint32_t index = slot[at].load();
            if (index == nothing) return nothing;
            if (head->compare_exchange_strong(at, 1 - at)) {
                slot[at].store(nothing);
                return index;
            }
        }
    }
    void put_back(std::uint32_t index) {
        for (std::uint32_t at = tail->load();; at = tail->load()) {
            std::uint32_t expected = nothing;
            const bool mine = slot[at].compare_exchange_strong(expected, index);
            std::uint32_t from = at;
            tail->compare_exchange_strong(from, 1 - at);
            if (mine) return;
        }
    }
    void thread(unsigned) {
        const std::uint32_t index = claim();
        if (index == nothing) return;
        owner[index].touch();
        put_back(index);
    }
};

// Two words and two ports; each thread holds one at most, and looks once at each word before it says none.
struct single_collect : rl::test_suite<single_collect, 2> {
    std::unique_ptr<atomic<std::uint32_t>[]> word;

    void before() {
        word = std::make_unique<atomic<std::uint32_t>[]>(2);
        word[0].store(1), word[1].store(1);
    }
    std::uint32_t claim(std::uint32_t start) {
        for (const std::uint32_t w : {start, 1 - start}) {
            std::uint32_t available = 1;
            if (word[w].compare_exchange_strong(available, 0)) return w;
        }
        return nothing;
    }
    void thread(unsigned) {
        for (unsigned round = 0; round < 2; ++round) {
            const std::uint32_t w = claim(round);
            RL_ASSERT(w != nothing);
            word[w].store(1);
        }
    }
};

template <class Model>
void expect_rejected(rl::test_result_e reason) {
    const auto v = berth::model::check<Model>(interleavings);
    EXPECT_FALSE(v.holds) << "the model check no longer sees what is wrong here";
    EXPECT_EQ(v.result, reason) << v.report;
}

TEST(claim_negative_model, an_untagged_free_list_gives_one_port_two_owners) {
    expect_rejected<untagged_free_list>(rl::test_result_data_race);
}
TEST(claim_negative_model, an_untagged_ring_gives_one_port_two_owners) {
    expect_rejected<untagged_ring>(rl::test_result_data_race);
}
TEST(claim_negative_model, a_single_look_at_all_words_says_none_too_early) {
    expect_rejected<single_collect>(rl::test_result_user_assert_failed);
}

}  // namespace
