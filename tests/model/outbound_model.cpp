// Tuples under relacy, by the very templates of framework/src/outbound: one owner each, no "none" while a pair is
// there, and a set that changes destinations is nobody's whom it was not looked up for.
#include "claim/port_bitmap.hpp"
#include "outbound/tuple_search.hpp"
#include "outbound/tuple_set.hpp"

#include <memory>

#include "model_atomic.hpp"

namespace {

using berth::claim::none;
using berth::model::ownership;
template <class T>
using model_atomic = berth::model::atomic<T>;
using word = model_atomic<std::uint64_t>;
using bitmap = berth::claim::port_bitmap<berth::model::atomic>;
using tuples = berth::outbound::tuple_words<berth::model::atomic>;
using life = berth::outbound::tuple_life<berth::model::atomic>;

constexpr unsigned rounds_of_model = 100'000;

// Two ports with one session socket each and two destinations: a draw meets ports that the other destination has.
struct two_destinations : rl::test_suite<two_destinations, 3> {
    std::unique_ptr<bitmap> slots;
    std::unique_ptr<word[]> words;
    std::unique_ptr<ownership[]> of_slot, of_tuple;

    [[nodiscard]] tuples of(unsigned destination) const { return {words.get() + destination, 2}; }
    void before() {
        slots = std::make_unique<bitmap>(std::uint16_t{0}, 2u, 8u);
        words = std::make_unique<word[]>(2);
        of_slot = std::make_unique<ownership[]>(2);
        of_tuple = std::make_unique<ownership[]>(4);
        for (unsigned i = 0; i < 2; ++i) slots->put_back(i), of(i).fill();
    }
    void thread(unsigned number) {
        for (unsigned round = 0; round < 2; ++round) {
            const unsigned destination = (number + round) % 2;
            const std::uint32_t slot = berth::outbound::claim_pair(of(destination), *slots, 1, number % 2);
            if (slot == none) continue;  // both are out, with three threads
            of_slot[slot].touch();
            of_tuple[destination * 2 + slot].touch();
            of(destination).put_back(slot);
            slots->put_back(slot);
        }
    }
    void after() { RL_ASSERT(slots->available() == 2 && of(0).available() == 2 && of(1).available() == 2); }
};

// One pair is there at any instant, by another port each time: the tuple of one comes back before the session socket
// of the other goes.
struct dodging_pair : rl::test_suite<dodging_pair, 2> {
    std::unique_ptr<bitmap> slots;
    std::unique_ptr<word[]> words;

    [[nodiscard]] tuples set() const { return {words.get(), 2}; }
    void before() {
        slots = std::make_unique<bitmap>(std::uint16_t{0}, 2u, 8u);
        words = std::make_unique<word[]>(1);
        set().fill();
        slots->put_back(0), slots->put_back(1);
        RL_ASSERT(set().claim_given(0));  // port 0: a session socket and no tuple; port 1: a pair
    }
    void thread(unsigned number) {
        if (number == 1) {
            RL_ASSERT(berth::outbound::claim_pair(set(), *slots, 1, 0) != none);
            return;
        }
        set().put_back(0);
        if (!slots->claim_given(1)) return;  // the other thread has it
        slots->put_back(1);
        if (slots->claim_given(0)) slots->put_back(0);
    }
};

/// A set of one port that is destination 1's, or idle. Whoever wants destination 2 recycles it.
template <bool ByGeneration>
struct recycled_set : rl::test_suite<recycled_set<ByGeneration>, 2> {
    std::unique_ptr<word[]> words;  // life, key, tuples
    std::unique_ptr<ownership[]> of_key;

    [[nodiscard]] tuples set() const { return {words.get() + 2, 1}; }
    [[nodiscard]] life its_life() const { return life(words[0]); }
    void before() {
        words = std::make_unique<word[]>(3);
        of_key = std::make_unique<ownership[]>(3);
        its_life().make_nobodys();
        words[1].store(1);
        set().fill();
        its_life().begin();
        its_life().unpin();
    }
    void use(unsigned key) {
        RL_ASSERT(words[1].load() == key);
        if (set().claim_given(0)) {
            of_key[key].touch();
            RL_ASSERT(words[1].load() == key);
            set().put_back(0);
        }
        its_life().unpin();
    }
    bool pin(std::uint64_t seen) {
        if (ByGeneration) return its_life().pin(seen);
        words[0].fetch_add(1);
        return true;
    }
    void thread(unsigned number) {
        if (number == 0) {
            const std::uint64_t seen = its_life().look();
            if (words[1].load() == 1 && life::is_alive(seen) && pin(seen)) use(1);
        } else if (its_life().retire()) {
            words[1].store(2);
            its_life().begin();
            use(2);
        }
    }
    void after() {
        RL_ASSERT(life::pins(its_life().look()) == 0);
        RL_ASSERT(set().available() == 1);
    }
};

template <class Model>
void expect_it_holds() {
    const auto v = berth::model::check<Model>(rounds_of_model);
    EXPECT_TRUE(v.holds) << v.report;
    EXPECT_GE(v.interleavings + 1, rounds_of_model);
}

TEST(outbound_model, a_tuple_and_a_session_socket_have_one_owner_each) { expect_it_holds<two_destinations>(); }
TEST(outbound_model, a_pair_that_moves_ahead_of_the_search_is_found) { expect_it_holds<dodging_pair>(); }
TEST(outbound_model, a_recycled_set_is_pinned_by_nobody_who_found_it_as_anothers) {
    expect_it_holds<recycled_set<true>>();
}
TEST(outbound_model, without_the_generation_it_would_be) {
    EXPECT_FALSE(berth::model::check<recycled_set<false>>(rounds_of_model).holds);
}

}  // namespace
