// What the relay decides without a socket: peers, permissions and channels, nonces, credentials, budgets, expiry.
#include "credentials.hpp"
#include "expiry_wheel.hpp"
#include "nonce.hpp"
#include "options.hpp"
#include "peer_policy.hpp"
#include "peer_table.hpp"
#include "source_budget.hpp"

#include <gtest/gtest.h>

namespace {

using namespace relay;
using namespace std::chrono_literals;
using asio::ip::make_address;
using asio::ip::udp;

const coarse_time start{1000s};
const udp::endpoint peer_a(make_address("192.0.2.1"), 1000), peer_b(make_address("192.0.2.2"), 1000);

TEST(peer_policy, what_is_inside_is_denied_unless_it_is_allowed) {
    const peer_policy strict({});
    const peer_policy lenient({.allow_loopback = true, .allow_private = true});
    for (const char* const text : {"127.0.0.1", "127.255.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255",
                                   "192.168.1.1", "100.64.0.1", "169.254.169.254", "192.0.0.8", "198.18.0.1", "::1",
                                   "fe80::1", "fec0::1", "fd00::1", "2002:7f00:1::", "2002:c0a8:101::1",
                                   "64:ff9b::10.0.0.1", "64:ff9b:1:a00:0:100:808:808", "2001:0:1:2:3:4:80ff:fffe"}) {
        EXPECT_FALSE(strict.allows(make_address(text))) << text;
        EXPECT_TRUE(lenient.allows(make_address(text))) << text;
    }
}

TEST(peer_policy, nobody_is_allowed_what_is_no_peer) {
    const peer_policy lenient({.allow_loopback = true, .allow_private = true});
    for (const char* const text :
         {"0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "ff02::1",
          "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::8.8.8.8", "2002:e000:1::1", "64:ff9b::255.255.255.255"})
        EXPECT_FALSE(lenient.allows(make_address(text))) << text;
}

TEST(peer_policy, the_world_outside_is_allowed_and_our_own_address_for_relayed_ports_alone) {
    peer_policy strict({});
    strict.add_own(make_address("203.0.113.5"), 40000, 40010);
    strict.add_own(make_address("203.0.113.6"), 0, 0);
    for (const char* const text :
         {"8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2001:4860::1", "2002:808:808::"})
        EXPECT_TRUE(strict.allows(udp::endpoint(make_address(text), 53))) << text;
    EXPECT_FALSE(strict.allows(udp::endpoint(make_address("8.8.8.8"), 0)));
    EXPECT_FALSE(strict.allows(udp::endpoint(make_address("203.0.113.5"), 39999)));
    EXPECT_TRUE(strict.allows(udp::endpoint(make_address("203.0.113.5"), 40000)));
    EXPECT_TRUE(strict.allows(udp::endpoint(make_address("203.0.113.5"), 40009)));
    EXPECT_FALSE(strict.allows(udp::endpoint(make_address("203.0.113.5"), 40010)));
    EXPECT_FALSE(strict.allows(udp::endpoint(make_address("203.0.113.6"), 3478)));
}

TEST(peer_table, a_permission_is_for_the_address_and_lasts_five_minutes) {
    peer_table table;
    const asio::ip::address address = peer_a.address();
    ASSERT_TRUE(table.permit({&address, 1}, start));
    EXPECT_TRUE(table.is_permitted(address, start + 299s));
    EXPECT_FALSE(table.is_permitted(address, start + 300s));
    EXPECT_FALSE(table.is_permitted(peer_b.address(), start));
}

TEST(peer_table, channels_are_one_to_one_until_they_are_over) {
    peer_table table;
    using enum peer_table::bind_result;
    EXPECT_EQ(table.bind(0x4000, peer_a, start), bound);
    EXPECT_EQ(table.bind(0x4000, peer_b, start), channel_is_anothers);
    EXPECT_EQ(table.bind(0x4001, peer_a, start), peer_has_another);
    EXPECT_EQ(table.bind(0x4000, peer_a, start + 500s), bound) << "it is refreshed";
    ASSERT_NE(table.find(0x4000, start + 1099s), nullptr);
    EXPECT_EQ(table.find(peer_a, start + 1099s)->number, 0x4000);
    EXPECT_EQ(table.find(0x4000, start + 1100s), nullptr);
    EXPECT_EQ(table.find(peer_a, start + 1100s), nullptr);
    EXPECT_EQ(table.bind(0x4000, peer_b, start + 1100s), bound);
    EXPECT_EQ(table.bind(0x4001, peer_a, start + 1100s), bound);
    EXPECT_EQ(table.channels(), 2U);
    EXPECT_TRUE(table.is_permitted(peer_b.address(), start + 1100s));
}

TEST(peer_table, it_is_bounded_and_what_is_over_makes_room) {
    peer_table table;
    for (unsigned i = 0; i < peer_table::most_permissions; ++i) {
        const asio::ip::address address = asio::ip::address_v4(0x08000000 + i);
        ASSERT_TRUE(table.permit({&address, 1}, start));
    }
    const std::array<asio::ip::address, 2> two{peer_a.address(), asio::ip::address_v4(0x08000001)};
    EXPECT_FALSE(table.permit(two, start + 1s));
    EXPECT_FALSE(table.is_permitted(peer_a.address(), start + 1s)) << "all or none";
    EXPECT_EQ(table.bind(0x4000, peer_a, start + 1s), peer_table::bind_result::full);
    EXPECT_TRUE(table.permit(two, start + 300s));
    EXPECT_EQ(table.permissions(), 2U);
}

TEST(nonce, it_is_good_for_one_client_until_it_is_stale) {
    const nonce_source source(nonce_source::time(60));
    const nonce_source other(nonce_source::time(60));
    const nonce_source::time now(1000);
    const std::string nonce = source.make(peer_a, now);
    EXPECT_EQ(nonce.size(), 24U);
    EXPECT_TRUE(source.is_good(nonce, peer_a, now));
    EXPECT_TRUE(source.is_good(nonce, peer_a, nonce_source::time(1059)));
    EXPECT_FALSE(source.is_good(nonce, peer_a, nonce_source::time(1060)));
    EXPECT_FALSE(source.is_good(nonce, peer_b, now));
    EXPECT_FALSE(source.is_good(nonce, {peer_a.address(), 1001}, now));
    EXPECT_FALSE(other.is_good(nonce, peer_a, now));
    EXPECT_FALSE(source.is_good("", peer_a, now));
    for (std::size_t i = 0; i < nonce.size(); ++i) {
        std::string changed = nonce;
        changed[i] = changed[i] == '1' ? '2' : '1';
        EXPECT_FALSE(source.is_good(changed, peer_a, now)) << i;
    }
}

TEST(credentials, time_limited_names_are_good_until_their_time_and_are_one_user) {
    using std::chrono::system_clock;
    credentials users("example.org");
    users.add_user("fixed", "word");
    const system_clock::time_point now{1'000'000s};
    EXPECT_FALSE(users.find("1000100:somebody", now)) << "no secret";
    users.set_secret("north");
    const auto found = users.find("1000100:somebody", now);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->counted_as, "somebody");
    EXPECT_EQ(found->key, key_of("1000100:somebody", "example.org",
                                 base64(hmac_sha1(bytes_of("north"), bytes_of("1000100:somebody")))));
    EXPECT_TRUE(users.find("1000100", now));
    for (const char* const name : {"1000000:somebody", "999999:somebody", "1000100x", "x1000100:somebody", "",
                                   ":somebody", "-5:somebody", "99999999999999999999:somebody"})
        EXPECT_FALSE(users.find(name, now)) << name;
    EXPECT_EQ(users.find("fixed", now)->key, key_of("fixed", "example.org", "word"));
}

// RFC 2202's second case, and RFC 4231's.
TEST(credentials, the_codes_are_those_of_the_documents) {
    EXPECT_EQ(base64(hmac_sha1(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"))),
              "7/zfauXrL6LSdBbV8YTfnCWafHk=");
    EXPECT_EQ(hmac_sha256(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"))[0], 0x5B);
}

TEST(source_budget, an_address_has_so_many_answers_a_second_and_others_have_theirs) {
    source_budget budget(10);
    const auto a = make_address("192.0.2.1");
    const auto count = [&](const asio::ip::address& address, coarse_time at) {
        int spent = 0;
        while (spent < 1000 && budget.spend(address, at)) ++spent;
        return spent;
    };
    EXPECT_EQ(count(a, start), 20);
    EXPECT_EQ(count(a, start), 0);
    EXPECT_EQ(count(a, start + 500ms), 5);
    EXPECT_EQ(count(a, start + 100s), 20);
    EXPECT_EQ(count(make_address("2001:db8::1"), start), 20);
    EXPECT_EQ(count(make_address("2001:db8::2"), start), 0) << "the same /64";
    source_budget none(0);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(none.spend(a, start));
}

TEST(expiry_wheel, entries_are_due_after_their_ticks_and_leave_when_they_are_gone) {
    struct numbered : wheel_entry {
        explicit numbered(int n) : number(n) {}
        int number;
    };
    expiry_wheel wheel;
    std::vector<std::pair<int, int>> due;  // tick, number
    numbered one(1), far(2);
    auto gone = std::make_unique<numbered>(3);
    wheel.add(one, 2);
    wheel.add(*gone, 2);
    wheel.add(far, 100000);
    gone.reset();
    for (int tick = 1; tick <= 300; ++tick) {
        wheel.tick([&](wheel_entry& entry) {
            auto& found = static_cast<numbered&>(entry);
            due.emplace_back(tick, found.number);
            if (found.number == 1 && tick < 5) wheel.add(one, 3);
        });
    }
    EXPECT_EQ(due, (std::vector<std::pair<int, int>>{{2, 1}, {5, 1}, {127, 2}}));
}

TEST(options, what_makes_no_sense_is_named) {
    const auto complaint = [](auto change) -> std::string {
        relay_options options;
        options.listen = {"127.0.0.1:0"};
        options.relay_address = {"127.0.0.1"};
        options.users = {"a:b"};
        change(options);
        try {
            check(options);
        } catch (const wrong_option& wrong) {
            return wrong.what();
        }
        return "";
    };
    EXPECT_EQ(complaint([](auto&) {}), "");
    EXPECT_NE(complaint([](auto& o) { o.listen.clear(); }).find("--listen"), std::string::npos);
    EXPECT_NE(complaint([](auto& o) { o.relay_address.clear(); }).find("--relay-address"), std::string::npos);
    EXPECT_NE(complaint([](auto& o) { o.users = {"nobody"}; }).find("nobody"), std::string::npos);
    EXPECT_NE(complaint([](auto& o) { o.users.clear(); }).find("--user"), std::string::npos);
    EXPECT_NE(complaint([](auto& o) { o.tls_listen = {"127.0.0.1:0"}; }).find("--certificate"), std::string::npos);
    EXPECT_NE(complaint([](auto& o) { o.max_lifetime = 5; }).find("5 s"), std::string::npos);
    EXPECT_EQ(block_from("40000-40009"), (berth::port_block{40000, 10}));
    EXPECT_EQ(block_from("100"), (berth::port_block{0, 100}));
    for (const char* const text : {"", "0", "70000", "5-4", "0-4", "1-65536", "a-b", "1-2-3", "-5"})
        EXPECT_THROW((void)block_from(text), wrong_option) << text;
    EXPECT_EQ(endpoint_from("[::1]:80", "--listen"), udp::endpoint(make_address("::1"), 80));
    for (const char* const text :
         {"", "::1:80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", "[::1]", "host:1"})
        EXPECT_THROW((void)endpoint_from(text, "--listen"), wrong_option) << text;
}

}  // namespace
