// Allocate and Refresh as RFC 8656 has them, each refusal by its code, and where the ports are afterwards.
#include "scenario/relay/relay_ground.hpp"

#include <gtest/gtest.h>

namespace berth::test {
namespace {

using namespace relay;
using namespace std::chrono_literals;
using asio::ip::udp;

udp::endpoint relayed(const reply& r) { return r.message->address(attribute::xor_relayed_address).value(); }
relay_client::fill with(attribute type, std::uint32_t value) {
    return [=](stun_writer& w) { w.add(type, value); };
}
relay_client::fill even_port(bool and_the_next) {
    return [=](stun_writer& w) {
        const std::uint8_t bits = and_the_next ? 0x80 : 0;
        w.add(attribute::even_port, bytes_view(&bits, 1));
    };
}

TEST(relay_allocate, who_shows_nothing_is_challenged_in_few_bytes) {
    running_relay relay;
    relay_client client(relay.address());
    const reply challenge =
        client.ask_once(stun_method::allocate, with(attribute::requested_transport, 17U << 24), false);
    EXPECT_EQ(challenge.code(), 401);
    EXPECT_EQ(challenge.message->text(attribute::realm), "berth");
    EXPECT_LE(challenge.raw.size(), 3 * 28U) << "the request has 28 bytes";
    EXPECT_FALSE(challenge.message->has(attribute::message_integrity));
    EXPECT_EQ(relay.ports().open, 0U);
}

TEST(relay_allocate, an_allocation_has_an_address_and_a_lifetime_and_is_answered_twice_alike) {
    running_relay relay;
    for (const auto how : {integrity::sha1, integrity::sha256}) {
        relay_client client(relay.address());
        client.how = how;
        client.with_fingerprint = true;
        const reply made = client.allocate();
        ASSERT_TRUE(made.is_success()) << made.code();
        EXPECT_EQ(relayed(made).address(), relay.address().address());
        EXPECT_TRUE(relay->shared().blocks[0].ports().block().contains(relayed(made).port()));
        EXPECT_EQ(made.message->address(attribute::xor_mapped_address), client.local());
        EXPECT_EQ(made.message->number(attribute::lifetime), 600U);
        EXPECT_EQ(protection_of(*made.message), how);
        EXPECT_TRUE(is_authentic(*made.message, key_of("user", "berth", "word")));
        EXPECT_TRUE(made.message->has(attribute::fingerprint));
        EXPECT_EQ(client.repeat().raw, made.raw);
        EXPECT_EQ(client.allocate().code(), 437);
    }
    EXPECT_EQ(relay.ports().open, 2U);
    EXPECT_EQ(relay.logged("allocation_created", "user=user"), 2U);
}

TEST(relay_allocate, credentials_are_checked_and_nonces_are_the_clients_own) {
    running_relay relay([](relay_options& o) { o.users.push_back("other:word"); });
    relay_client client(relay.address()), second(relay.address());
    ASSERT_TRUE(client.allocate().is_success());
    client.user = "other";
    EXPECT_EQ(client.refresh(600).code(), 441);
    client.user = "user";
    EXPECT_TRUE(client.refresh(600).is_success());
    client.password = "wrong";
    EXPECT_EQ(client.refresh(600).code(), 401);

    second.nonce = client.nonce;
    second.realm = client.realm;
    EXPECT_EQ(second.allocate().code(), 438) << "another client's nonce";
    second.password = "wrong";
    EXPECT_EQ(second.allocate().code(), 401);
    second.user = "nobody";
    EXPECT_EQ(second.allocate().code(), 401);
    second.user = "user";
    second.password = "word";
    EXPECT_TRUE(second.allocate().is_success());
}

TEST(relay_allocate, a_nonce_goes_stale_and_the_next_one_is_good) {
    running_relay relay([](relay_options& o) { o.limit.nonce_lifetime = 1s; });
    relay_client client(relay.address());
    ASSERT_TRUE(client.allocate().is_success());
    reply late;
    ASSERT_TRUE(relay.wait_for([&] { return (late = client.refresh(600)).code() == 438; }));
    EXPECT_TRUE(client.refresh(600).is_success());
}

TEST(relay_allocate, each_thing_that_cannot_be_is_refused_by_its_code) {
    running_relay relay;
    relay_client client(relay.address());
    EXPECT_EQ(client.ask(stun_method::allocate).code(), 400) << "no transport";
    EXPECT_EQ(client.ask(stun_method::allocate, with(attribute::requested_transport, 6U << 24)).code(), 442);
    EXPECT_EQ(client.allocate(with(attribute::requested_address_family, 2U << 24)).code(), 440) << "no IPv6 here";
    EXPECT_EQ(client.allocate(with(attribute::requested_address_family, 3U << 24)).code(), 440);
    const auto token = [](stun_writer& w) { w.add(attribute::reservation_token, std::string_view("8 bytes.")); };
    EXPECT_EQ(client.allocate(token).code(), 508) << "nobody's token";
    EXPECT_EQ(client.allocate([&](stun_writer& w) { token(w), even_port(false)(w); }).code(), 400);
    EXPECT_EQ(
        client.allocate([&](stun_writer& w) { token(w), with(attribute::requested_address_family, 1U << 24)(w); })
            .code(),
        400);
    EXPECT_EQ(client.allocate(with(attribute::additional_address_family, 1U << 24)).code(), 400);

    const reply unknown = client.allocate([](stun_writer& w) {
        w.add(attribute::dont_fragment, std::string_view());
        w.add(static_cast<attribute>(0x7ABC), 0U);
        w.add(static_cast<attribute>(0xFABC), 0U);
    });
    EXPECT_EQ(unknown.code(), 420);
    const bytes_view types = unknown.message->find(attribute::unknown_attributes)->value;
    EXPECT_EQ(bytes(types.begin(), types.end()), (bytes{0x00, 0x1A, 0x7A, 0xBC}));

    EXPECT_EQ(client.refresh(600).code(), 437);
    EXPECT_EQ(client.permit({asio::ip::make_address("127.0.0.1"), 1}).code(), 437);
    EXPECT_EQ(client.ask(static_cast<stun_method>(0x7F)).code(), 400);
    EXPECT_EQ(relay.ports().open, 0U);
    EXPECT_TRUE(client.allocate().is_success());
}

TEST(relay_allocate, pairs_are_for_whoever_brings_the_token) {
    running_relay relay([](relay_options& o) { o.users.push_back("other:word"); });
    relay_client rtp(relay.address()), rtcp(relay.address()), thief(relay.address());
    const reply even = rtp.allocate(even_port(true));
    ASSERT_TRUE(even.is_success());
    EXPECT_EQ(relayed(even).port() % 2, 0);
    const attribute_view* const found = even.message->find(attribute::reservation_token);
    ASSERT_NE(found, nullptr);
    const bytes token(found->value.begin(), found->value.end());
    const auto bring = [&](stun_writer& w) { w.add(attribute::reservation_token, bytes_view(token)); };

    thief.user = "other";
    EXPECT_EQ(thief.allocate(bring).code(), 508);
    const reply odd = rtcp.allocate(bring);
    ASSERT_TRUE(odd.is_success()) << odd.code();
    EXPECT_EQ(relayed(odd).port(), relayed(even).port() + 1);
    EXPECT_EQ(rtcp.repeat().raw, odd.raw);
    thief.user = "user";
    EXPECT_EQ(thief.allocate(bring).code(), 508) << "a token is good once";
    const reply alone = thief.allocate(even_port(false));
    ASSERT_TRUE(alone.is_success());
    EXPECT_EQ(relayed(alone).port() % 2, 0);
    EXPECT_FALSE(alone.message->has(attribute::reservation_token));
}

TEST(relay_allocate, a_user_has_his_quota_and_the_block_its_end) {
    running_relay relay([](relay_options& o) {
        o.users.push_back("other:word");
        o.ports = "4";
        o.quota = 3;
    });
    std::vector<std::unique_ptr<relay_client>> clients;
    const auto next = [&](const char* user) {
        clients.push_back(std::make_unique<relay_client>(relay.address()));
        clients.back()->user = user;
        return clients.back()->allocate();
    };
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(next("user").is_success());
    EXPECT_EQ(next("user").code(), 486);
    EXPECT_TRUE(next("other").is_success());
    EXPECT_EQ(next("other").code(), 508);
    EXPECT_EQ(clients[0]->refresh(0).message->number(attribute::lifetime), 0U);
    EXPECT_EQ(clients[0]->refresh(600).code(), 437);
    EXPECT_TRUE(next("user").is_success()) << "the port and the place in the quota are free again";
    EXPECT_EQ(relay.ports().open, 4U);
    EXPECT_EQ(relay.logged("allocation_ended", "why=released"), 1U);
}

// Or one user could keep every port of the block, by allocating pairs and giving back the even one.
TEST(relay_allocate, a_port_that_is_kept_counts_in_the_quota_until_it_is_brought) {
    running_relay relay([](relay_options& o) { o.quota = 2; });
    relay_client rtp(relay.address()), rtcp(relay.address()), third(relay.address());
    const reply even = rtp.allocate(even_port(true));
    ASSERT_TRUE(even.is_success());
    EXPECT_EQ(third.allocate().code(), 486);
    EXPECT_TRUE(rtp.refresh(0).is_success());
    EXPECT_EQ(third.allocate(even_port(true)).code(), 486) << "one is kept, and a pair is two";
    const attribute_view* const found = even.message->find(attribute::reservation_token);
    ASSERT_NE(found, nullptr);
    const bytes token(found->value.begin(), found->value.end());
    EXPECT_TRUE(third.allocate().is_success());
    const auto bring = [&](stun_writer& w) { w.add(attribute::reservation_token, bytes_view(token)); };
    EXPECT_TRUE(rtcp.allocate(bring).is_success()) << "its place was kept as well";
    EXPECT_TRUE(third.refresh(0).is_success());
    EXPECT_TRUE(rtcp.refresh(0).is_success());
    relay_client again(relay.address());
    EXPECT_TRUE(again.allocate(even_port(true)).is_success()) << "both places are free again";
}

TEST(relay_allocate, lifetimes_are_bounded_and_what_is_not_refreshed_ends) {
    running_relay relay([](relay_options& o) {
        o.limit.default_lifetime = 2s;
        o.max_lifetime = 100;
    });
    relay_client client(relay.address()), kept(relay.address());
    EXPECT_EQ(client.allocate(with(attribute::lifetime, 1U)).message->number(attribute::lifetime), 2U);
    EXPECT_EQ(kept.allocate(with(attribute::lifetime, 1'000'000U)).message->number(attribute::lifetime), 100U);
    EXPECT_TRUE(relay.wait_for([&] { return relay.logged("allocation_ended", "why=expired") == 1; }));
    EXPECT_EQ(client.refresh(600).code(), 437);
    EXPECT_TRUE(kept.refresh(50).is_success());
    EXPECT_EQ(relay.ports().open, 1U);
}

TEST(relay_allocate, both_families_are_to_be_had_where_there_are_both) {
    running_relay relay([](relay_options& o) { o.relay_address.push_back("::1"); });
    relay_client client(relay.address());
    const reply made = client.allocate(with(attribute::additional_address_family, 2U << 24));
    ASSERT_TRUE(made.is_success()) << made.code();
    std::vector<udp::endpoint> both;
    for (const auto& one : made.message->attributes()) {
        if (one.type == static_cast<std::uint16_t>(attribute::xor_relayed_address))
            both.push_back(made.message->address(one).value());
    }
    ASSERT_EQ(both.size(), 2U);
    EXPECT_TRUE(both[0].address().is_v4() && both[1].address().is_v6());
    plain_peer far("::1");
    ASSERT_TRUE(client.permit(far.address()).is_success());
    far.send("over IPv6", both[1]);
    EXPECT_EQ(client.receive_reply().message->text(attribute::data), "over IPv6");
    EXPECT_TRUE(client
                    .ask(stun_method::refresh,
                         [](stun_writer& w) {
                             w.add(attribute::lifetime, 0U);
                             w.add(attribute::requested_address_family, 2U << 24);
                         })
                    .is_success());
    EXPECT_EQ(client.permit(far.address()).code(), 443);
    EXPECT_EQ(relay.ports(1).open, 0U);
    EXPECT_EQ(relay.ports(0).open, 1U);

    relay_client six(relay.address());
    EXPECT_TRUE(relayed(six.allocate(with(attribute::requested_address_family, 2U << 24))).address().is_v6());
    EXPECT_EQ(six.permit({asio::ip::make_address("127.0.0.1"), 9}).code(), 443);
}

TEST(relay_allocate, one_family_missing_is_said_beside_the_other) {
    running_relay relay;
    relay_client client(relay.address());
    const reply made = client.allocate(with(attribute::additional_address_family, 2U << 24));
    ASSERT_TRUE(made.is_success());
    const attribute_view* const why = made.message->find(attribute::address_error_code);
    ASSERT_NE(why, nullptr);
    EXPECT_EQ(bytes(why->value.begin(), why->value.begin() + 4), (bytes{2, 0, 4, 40}));
}

TEST(relay_allocate, its_books_say_what_became_of_each_request_and_each_port) {
    running_relay relay;
    relay_client client(relay.address());
    ASSERT_TRUE(client.allocate().is_success());
    EXPECT_EQ(client.bind(0x1234, client.local()).code(), 400);
    const std::string books = relay.metrics();
    for (const char* const line :
         {"relay_allocations 1\n", "relay_allocations_total 1\n", "relay_errors_total{code=\"401\"} 1\n",
          "relay_errors_total{code=\"400\"} 1\n", "relay_successes_total 1\n",
          "berth_ports{block=\"relay_127.0.0.1\",state=\"open\"} 1\n",
          "relay_dropped_total{reason=\"malformed\"} 0\n"})
        EXPECT_NE(books.find(line), std::string::npos) << line;
}

TEST(relay_allocate, a_drain_refuses_newcomers_and_waits_for_the_others) {
    running_relay relay;
    relay_client old(relay.address()), late(relay.address());
    ASSERT_TRUE(old.allocate().is_success());
    relay.drain();
    ASSERT_TRUE(relay.wait_for([&] { return relay.logged("draining", "allocations=1") == 1; }));
    EXPECT_EQ(late.allocate().code(), 508);
    EXPECT_TRUE(old.refresh(600).is_success());
    EXPECT_TRUE(old.refresh(0).is_success());
    EXPECT_EQ(relay.join(), service::exit_code::clean);
}

TEST(relay_allocate, a_drain_names_the_other_server_and_ends_in_time) {
    running_relay relay([](relay_options& o) { o.alternate_server = "192.0.2.7:3478"; }, 1s);
    relay_client old(relay.address()), late(relay.address());
    ASSERT_TRUE(old.allocate().is_success());
    relay.drain();
    ASSERT_TRUE(relay.wait_for([&] { return relay.logged("draining", "allocations=1") == 1; }));
    const reply sent_away = late.allocate();
    EXPECT_EQ(sent_away.code(), 300);
    const bytes_view other = sent_away.message->find(attribute::alternate_server)->value;
    EXPECT_EQ(bytes(other.begin(), other.end()), (bytes{0, 1, 0x0D, 0x96, 192, 0, 2, 7}));
    EXPECT_EQ(relay.join(), service::exit_code::cut);
}

}  // namespace
}  // namespace berth::test
