// Negative controls: the intruders catch each design that is known to lose, and do not enter one that holds.
//
// Without these, 0 hits against berth would say nothing. A control is over when twenty hits were seen, which
// usually takes milliseconds, and after 20 s at the latest.
#include "intruder.hpp"
#include "losing_designs.hpp"
#include "support/oracle.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

namespace berth::test {
namespace {

using steady = std::chrono::steady_clock;
constexpr std::uint64_t enough_hits = 20;

enum class before_hand_over : bool { holds, loses_standing_still };

template <class Design, class... Argument>
intruder_report attack_until_caught(before_hand_over first, attacked what, Argument... argument) {
    intruder_crew crew(what);
    Design design(argument...);
    for (int i = 0; i < 100; ++i) design.hand_over_once();
    EXPECT_EQ(design.own_failures(), 0u) << "the design does not even work when nobody attacks it";
    if (first == before_hand_over::holds) {
        crew.attack(design.port(), 1);
        usleep(30'000);
        EXPECT_EQ(crew.hits(), 0u) << "the design lost before the hand-over that this control is about";
    }
    const auto start = steady::now();
    const auto deadline = start + std::chrono::seconds(20);
    std::uint64_t cycles = 0;
    while (crew.hits() < enough_hits && steady::now() < deadline) {
        crew.let_go();  // or the first kept hit would spoil the rest
        crew.attack(design.port(), 1);
        crew.changing_hands(design.port());
        const auto pause = steady::now() + std::chrono::milliseconds(50);
        for (; crew.hits() < enough_hits && steady::now() < pause; ++cycles) design.hand_over_once();
    }
    const std::chrono::duration<double> took = steady::now() - start;
    const intruder_report r = crew.stop();
    std::cout << cycles << " hand-overs in " << took.count() << " s, " << design.own_failures() << " spoiled; " << r;
    return r;
}

template <class Design>
intruder_report lose(attacked what) {
    return attack_until_caught<Design>(before_hand_over::holds, what, what);
}

TEST(negative_control, binding_tcp_over_a_guard_is_caught) {
    EXPECT_GT(lose<bind_over_guard>(attacked::tcp).bound, 0u);
}

TEST(negative_control, binding_udp_over_a_guard_is_caught) {
    EXPECT_GT(lose<bind_over_guard>(attacked::udp).bound, 0u);
}

TEST(negative_control, parking_a_listener_by_shutdown_is_caught) {
    EXPECT_GT(attack_until_caught<listen_again>(before_hand_over::holds, attacked::tcp).bound, 0u);
}

TEST(negative_control, connecting_the_only_udp_socket_is_caught) {
    EXPECT_GT(lose<connect_the_only_socket>(attacked::udp).bound, 0u);
}

TEST(negative_control, connecting_the_only_tcp_socket_is_caught) {
    EXPECT_GT(lose<connect_the_only_socket>(attacked::tcp).bound, 0u);
}

TEST(negative_control, closing_and_binding_udp_again_is_caught) {
    EXPECT_GT(lose<bind_again>(attacked::udp).bound, 0u);
}

TEST(negative_control, closing_and_binding_tcp_again_is_caught) {
    EXPECT_GT(lose<bind_again>(attacked::tcp).bound, 0u);
}

TEST(negative_control, holding_ipv4_alone_is_caught_by_way_of_ipv6) {
    for (attacked what : {attacked::tcp, attacked::udp})
        EXPECT_GT(attack_until_caught<hold_ipv4_alone>(before_hand_over::loses_standing_still, what, what).bound, 0u);
}

TEST(negative_control, a_dual_stack_holder_is_not_entered) {
    for (attacked what : {attacked::tcp, attacked::udp}) {
        intruder_crew crew(what);
        hold_both_families holder(what);
        crew.promise_begins();
        crew.attack(holder.port(), 1);
        const auto deadline = steady::now() + std::chrono::seconds(20);
        while (crew.report().rounds < 3 && steady::now() < deadline) usleep(10'000);
        const intruder_report r = crew.stop();
        std::cout << r;
        EXPECT_GE(r.rounds, 3u);
        EXPECT_EQ(r.bound, 0u);
        EXPECT_LT(r.skipped, r.variations / 2);
    }
}

TEST(intruder, a_kept_hit_is_inside_until_let_go_and_the_oracle_sees_it) {
    for (attacked what : {attacked::tcp, attacked::udp}) {
        const auto protocol = what == attacked::tcp ? oracle_protocol::tcp : oracle_protocol::udp;
        intruder_crew crew(what);
        hold_ipv4_alone holder(what);
        const std::uint16_t port = holder.port();
        EXPECT_TRUE(strangers_on(protocol, port).empty());
        crew.promise_begins();
        crew.attack(port, 1);
        const auto deadline = steady::now() + std::chrono::seconds(10);
        while (crew.inside(port) == 0 && steady::now() < deadline) usleep(1000);
        crew.attack(port, 0);
        EXPECT_GT(crew.inside(port), 0u);
        EXPECT_EQ(strangers_on(protocol, port).size(), crew.inside(port));
        crew.let_go();
        EXPECT_EQ(crew.inside(port), 0u);
        EXPECT_TRUE(strangers_on(protocol, port).empty());
        EXPECT_GT(crew.stop().broken_promises, 0u);
    }
}

}  // namespace
}  // namespace berth::test
