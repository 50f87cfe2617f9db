// Sets of tuples: each tuple has one place, a destination without any costs nothing, and none is said exactly.
#include "outbound/tuple_sets.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>
#include <vector>

namespace berth::outbound {
namespace {

std::atomic<std::uint64_t> clock_now{1};
std::uint64_t read_clock() noexcept { return clock_now; }
constexpr auto minute = static_cast<std::uint64_t>(tuple_sets::rest.count());

destination to(std::uint32_t n, std::uint16_t port = 443) {
    return destination({asio::ip::address_v4(0x0a000000 + n), port});
}

/// A block as a lane has it: slots, and the sets beside them.
struct block {
    block(std::uint32_t ports, std::uint32_t sessions, draw_order order = draw_order::random)
        : count(ports * sessions), slots(0, count, order), sets(ports, sessions, order, read_clock) {
        for (std::uint32_t i = 0; i < count; ++i) slots.put_back(i);
    }
    std::uint32_t draw(const destination& d) { return sets.claim(d, slots, why); }
    void end(std::uint32_t slot) {
        sets.give_back(slot);
        slots.put_back(slot);
    }
    std::uint32_t count;
    claim::claim_set slots;
    tuple_sets sets;
    errc why{};
};

TEST(tuple_sets, a_destination_gets_each_port_once_and_then_none) {
    block b(5, 3);
    std::set<std::uint32_t> ports;
    for (int i = 0; i < 5; ++i) ports.insert(b.draw(to(1)) / 3);
    EXPECT_EQ(ports, (std::set<std::uint32_t>{0, 1, 2, 3, 4}));
    EXPECT_EQ(b.draw(to(1)), claim::none);
    EXPECT_EQ(b.why, errc::block_exhausted);
    EXPECT_NE(b.draw(to(1, 444)), claim::none) << "another port is another destination";
    EXPECT_EQ(b.sets.counts().destinations, 2u);
    EXPECT_EQ(b.sets.counts().in_use, 6u);
}

TEST(tuple_sets, a_port_without_a_free_session_socket_is_passed_over) {
    block b(2, 2);
    std::vector<std::uint32_t> of_first;
    for (std::uint32_t n = 0; of_first.size() < 2; ++n) {  // fill port 0
        const std::uint32_t slot = b.draw(to(n));
        if (slot / 2 == 0) of_first.push_back(slot);
        else b.end(slot);
    }
    for (std::uint32_t n = 100; n < 150; ++n) {
        const std::uint32_t slot = b.draw(to(n));
        ASSERT_EQ(slot / 2, 1u);
        b.end(slot);
    }
    b.draw(to(200)), b.draw(to(201));
    EXPECT_EQ(b.draw(to(202)), claim::none);
    b.end(of_first[0]);
    EXPECT_EQ(b.draw(to(202)) / 2, 0u);
}

TEST(tuple_sets, both_forms_of_an_ipv4_address_are_one_destination_and_scopes_are_several) {
    const auto v4 = asio::ip::make_address_v4("192.0.2.1");
    EXPECT_EQ(destination({v4, 1}), destination({asio::ip::make_address_v6(asio::ip::v4_mapped, v4), 1}));
    auto a = asio::ip::make_address_v6("fe80::1"), c = a;
    c.scope_id(2);
    EXPECT_NE(destination({a, 1}), destination({c, 1}));
    EXPECT_NE(destination({a, 1}), destination({a, 2}));
}

TEST(tuple_sets, at_random_every_free_port_comes_and_in_turn_one_after_the_other) {
    block random(16, 1);
    std::map<std::uint32_t, int> seen;
    for (int i = 0; i < 1600; ++i) {
        const std::uint32_t slot = random.draw(to(1));
        ++seen[slot];
        random.end(slot);
    }
    ASSERT_EQ(seen.size(), 16u);
    for (const auto& [port, times] : seen) EXPECT_GT(times, 40) << port;
    block in_turn(4, 1, draw_order::first_in_first_out);
    for (std::uint32_t i = 0; i < 12; ++i) {
        const std::uint32_t slot = in_turn.draw(to(1));
        EXPECT_EQ(slot, i % 4);
        in_turn.end(slot);
    }
}

// As many as there are slots: some of them meet in one bucket, whatever the table's key.
TEST(tuple_sets, destinations_of_one_address_that_meet_in_a_bucket_are_not_taken_for_each_other) {
    block b(64, 1);
    for (std::uint16_t port = 1; port <= 64; ++port) ASSERT_NE(b.draw(to(1, port)), claim::none);
    EXPECT_EQ(b.sets.counts().destinations, 64u);
}

TEST(tuple_sets, a_refused_tuple_rests_for_its_destination_alone_and_for_a_minute) {
    block b(1, 2);
    const std::uint32_t slot = b.draw(to(1));
    b.sets.refuse(slot);
    b.end(slot);
    EXPECT_EQ(b.sets.counts().resting, 1u);
    EXPECT_EQ(b.sets.counts().met_taken, 1u);
    EXPECT_EQ(b.draw(to(1)), claim::none);
    const std::uint32_t other = b.draw(to(2));
    EXPECT_NE(other, claim::none);
    clock_now += minute - 1;
    EXPECT_EQ(b.draw(to(1)), claim::none);
    clock_now += 1;
    EXPECT_NE(b.draw(to(1)), claim::none);
    EXPECT_EQ(b.sets.counts().resting, 0u);
}

TEST(tuple_sets, destinations_that_nobody_uses_are_recycled_and_cost_no_more_memory) {
    block b(64, 2);
    for (std::uint32_t n = 0; n < 200'000; ++n) {
        const std::uint32_t slot = b.draw(to(n));
        ASSERT_NE(slot, claim::none);
        b.end(slot);
    }
    EXPECT_EQ(b.sets.counts().destinations, 0u);
    EXPECT_LE(b.sets.table().made(), 1024u);
    EXPECT_EQ(destination_table::bytes_of_set(64), 64u) << "one line";
}

TEST(tuple_sets, as_many_destinations_as_slots_and_what_rests_gives_way) {
    block b(4, 16);
    std::vector<std::uint32_t> out;
    for (std::uint32_t n = 0; n < 10'000; ++n) {  // far more than there may be sets
        const std::uint32_t slot = b.draw(to(n));
        ASSERT_NE(slot, claim::none) << n;
        b.sets.refuse(slot);
        b.end(slot);
    }
    EXPECT_LE(b.sets.counts().resting, b.sets.table().most());
    for (std::uint32_t n = 0; n < 64; ++n) out.push_back(b.draw(to(20'000 + n)));
    for (const auto slot : out) ASSERT_NE(slot, claim::none);
    EXPECT_EQ(b.sets.counts().in_use, 64u);
    EXPECT_EQ(b.draw(to(30'000)), claim::none);
    EXPECT_EQ(b.why, errc::block_exhausted);
    for (const auto slot : out) b.end(slot);
    clock_now += minute;
    b.sets.wake_rested();
    EXPECT_EQ(b.sets.counts().destinations, 0u);
}

TEST(tuple_sets, more_destinations_than_memory_is_allowed_for_are_refused_by_name) {
    constexpr std::uint32_t ports = 65'000;  // 8 kB a set: 64 MiB are fewer sets than slots
    block b(ports, 1);
    std::uint32_t n = 0;
    while (b.draw(to(n)) != claim::none) ASSERT_LT(++n, ports);
    EXPECT_EQ(b.why, errc::too_many_destinations);
    EXPECT_EQ(n, b.sets.table().most());
    EXPECT_NE(b.draw(to(0)), claim::none) << "known ones go on";
}

// Plain memory of each tuple and slot is written by its owner: two owners are seen by the count, and by ThreadSanitizer.
TEST(tuple_sets, threads_that_draw_and_end_and_recycle_never_own_a_tuple_twice) {
    constexpr std::uint32_t ports = 5, sessions = 3, destinations = 40;
    const char* const given = std::getenv("BERTH_TUPLE_ROUNDS");
    const int rounds = given != nullptr ? static_cast<int>(std::strtol(given, nullptr, 10)) : 20'000;
    block b(ports, sessions);
    std::vector<std::uint64_t> of_tuple(ports * destinations), of_slot(ports * sessions);
    std::atomic<std::uint64_t> drawn{0}, refused{0}, wrong{0};
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            std::uint32_t random = t * 7919 + 1;
            std::uint64_t mine = 0;
            for (int i = 0; i < rounds; ++i) {
                random = random * 1664525 + 1013904223;
                // few destinations are fought for, and each sixteenth draw is one that has never been there
                const bool is_new = random % 16 == 0;
                const std::uint32_t n = is_new ? 1000 + (random >> 4) : (random >> 8) % destinations;
                errc why{};
                const std::uint32_t slot = b.sets.claim(to(n), b.slots, why);
                if (slot == claim::none) {
                    wrong += why != errc::block_exhausted;
                    continue;
                }
                ++mine;
                ++of_slot[slot];
                if (!is_new) ++of_tuple[n * ports + slot / sessions];
                if (random % 64 == 5) b.sets.refuse(slot), ++refused;
                if (random % 1024 == 7) clock_now += minute;
                b.end(slot);
            }
            drawn += mine;
        });
    }
    for (auto& t : threads) t.join();
    std::uint64_t sum = 0;
    for (const auto n : of_slot) sum += n;
    EXPECT_EQ(sum, drawn) << "a slot had two owners";
    EXPECT_EQ(wrong, 0u);
    clock_now += minute;
    b.sets.wake_rested();
    const auto c = b.sets.counts();
    EXPECT_EQ(c.draws, drawn);
    EXPECT_EQ(c.met_taken, refused);
    EXPECT_EQ(c.in_use + c.resting + c.destinations, 0u);
    EXPECT_EQ(b.slots.available(), ports * sessions);
    for (std::uint32_t n = 0; n < destinations; ++n) {  // nothing is lost: each has every port
        std::set<std::uint32_t> all;
        std::vector<std::uint32_t> out;
        for (std::uint32_t i = 0; i < ports; ++i) out.push_back(b.draw(to(n))), all.insert(out.back() / sessions);
        EXPECT_EQ(all.size(), ports);
        for (const auto slot : out) b.end(slot);
    }
}

}  // namespace
}  // namespace berth::outbound
