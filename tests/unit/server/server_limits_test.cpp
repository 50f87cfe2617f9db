// Limits of a server: connections in all, and of one address.
#include "unit/server/server_ground.hpp"

#include "server/address_limits.hpp"

namespace {

using namespace server_test;

class server_limits : public server_by_backend {};
BERTH_BY_BACKEND(server_limits);

TEST_P(server_limits, beyond_the_limit_a_client_waits_until_there_is_room) {
    const auto running = serve(echo, {.max_connections = 3});
    std::vector<client> served;
    for (int i = 0; i < 3; ++i) {
        served.emplace_back(at_);
        ASSERT_EQ(served.back().ask("in"), "in");
    }
    const client first(at_), second(at_), third(at_);
    for (const auto* c : {&first, &second, &third}) {
        c->say("later");
        EXPECT_EQ(c->wait_for_end(20ms), client::open);
    }
    EXPECT_EQ(books().active, 3u);
    for (int i = 0; i < 3; ++i) {
        served.pop_back();
        EXPECT_TRUE(soon([&](const auto& b) { return b.accepted == static_cast<unsigned>(4 + i); }));
    }
    EXPECT_EQ(first.hear(5) + second.hear(5) + third.hear(5), "laterlaterlater");
    EXPECT_EQ(books().refused_by_limit, 0u);
}

TEST_P(server_limits, the_limit_holds_under_a_crowd_that_waits) {
    const auto running = serve(echo, {.max_connections = 8});
    constexpr int crowd = 200;
    std::atomic<int> served{0};
    std::atomic<std::uint64_t> most{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 20; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < crowd / 20; ++i) {
                const client c(at_);
                if (c.ask("hello") == "hello") ++served;
                const auto active = books().active;
                for (auto seen = most.load(); seen < active && !most.compare_exchange_weak(seen, active);) {
                }
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(served, crowd);
    EXPECT_LE(most, 8u);
    EXPECT_TRUE(soon_active(0));
    EXPECT_EQ(books().accepted, static_cast<std::uint64_t>(crowd));
}

TEST_P(server_limits, or_it_is_reset_at_once) {
    BERTH_NEEDS_RESETS_TO_BE_KEPT();
    const auto running = serve(echo, {.max_connections = 2, .when_full = berth::beyond_limit::reset});
    client one(at_), two(at_);
    EXPECT_EQ(one.ask("in"), "in");
    EXPECT_EQ(two.ask("in"), "in");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(client(at_).wait_for_end(), client::reset);
    EXPECT_TRUE(soon([](const auto& b) { return b.refused_by_limit == 5; }));
    one = client();
    EXPECT_TRUE(soon_active(1));
    EXPECT_EQ(client(at_).ask("again"), "again");
    EXPECT_EQ(two.ask("still"), "still");
}

TEST_P(server_limits, an_address_has_a_limit_of_its_own) {
    BERTH_NEEDS_RESETS_TO_BE_KEPT();
    const auto running = serve(echo, {.max_connections_per_address = 2});
    client one(at_), two(at_);
    EXPECT_EQ(one.ask("in"), "in");
    EXPECT_EQ(two.ask("in"), "in");
    EXPECT_EQ(client(at_).wait_for_end(), client::reset);
    const client other(at_, "127.0.0.2");
    EXPECT_EQ(other.ask("other"), "other");
    EXPECT_TRUE(soon([](const auto& b) { return b.refused_by_address == 1; }));
    two.end();
    EXPECT_TRUE(soon_active(2));
    EXPECT_EQ(client(at_).ask("again"), "again");
}

TEST(address_limits, ipv6_counts_by_networks_of_64_bits_and_mapped_ipv4_by_address) {
    const auto key = [](const char* address) {
        return berth::detail::address_limits::key_of(tcp::endpoint(asio::ip::make_address(address), 1));
    };
    EXPECT_EQ(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
    EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    EXPECT_EQ(key("::ffff:10.0.0.1"), key("10.0.0.1"));
    EXPECT_NE(key("10.0.0.1"), key("10.0.0.2"));
    berth::detail::address_limits limits;
    EXPECT_TRUE(limits.enter(7, 1));
    EXPECT_FALSE(limits.enter(7, 1));
    EXPECT_TRUE(limits.enter(8, 1));
    limits.leave(7);
    EXPECT_TRUE(limits.enter(7, 1));
}

}  // namespace
