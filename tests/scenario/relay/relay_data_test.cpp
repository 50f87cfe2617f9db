// What goes between clients and peers, and what does not: permissions, channels, streams, forged and slow clients.
#include "scenario/relay/relay_ground.hpp"

#include <gtest/gtest.h>
#include <asio/write.hpp>

#include <cstdlib>

namespace berth::test {
namespace {

using namespace relay;
using namespace std::chrono_literals;
using asio::ip::udp;

udp::endpoint relayed(const reply& r) { return r.message->address(attribute::xor_relayed_address).value(); }

bytes send_indication(const udp::endpoint& peer, std::string_view text) {
    std::array<std::uint8_t, 4096> room;
    stun_writer writer(room, message_class::indication, stun_method::send, transaction_id{7});
    writer.add_address(attribute::xor_peer_address, peer);
    writer.add(attribute::data, text);
    return {writer.bytes().begin(), writer.bytes().end()};
}

bytes on_channel(std::uint16_t number, std::string_view text, std::size_t padding = 0) {
    const auto header = channel_header(number, text.size());
    bytes message(header.begin(), header.end());
    message.insert(message.end(), text.begin(), text.end());
    message.resize(message.size() + padding);
    return message;
}

TEST(relay_data, indications_go_both_ways_with_a_permission_and_neither_without) {
    running_relay relay;
    relay_client client(relay.address());
    plain_peer peer, stranger("127.0.0.2");
    const udp::endpoint at = relayed(client.allocate());
    client.send(send_indication(peer.address(), "too early"));
    peer.send("too early", at);
    ASSERT_TRUE(relay.wait_for([&] { return relay.dropped(drop::no_permission) == 2; }));

    ASSERT_TRUE(client.permit(peer.address()).is_success());
    client.send(send_indication(peer.address(), "hello"));
    EXPECT_EQ(peer.receive(), "hello");
    EXPECT_EQ(peer.from, at);
    stranger.send("from elsewhere", at);
    peer.send("back", at);
    const reply data = client.receive_reply();
    ASSERT_TRUE(data.message);
    EXPECT_EQ(data.message->kind(), message_class::indication);
    EXPECT_EQ(data.message->method(), stun_method::data);
    EXPECT_EQ(data.message->text(attribute::data), "back");
    EXPECT_EQ(data.message->address(attribute::xor_peer_address), peer.address());
    peer.send("", at);
    EXPECT_EQ(client.receive_reply().message->text(attribute::data), "") << "an empty datagram is one";
    EXPECT_EQ(relay.dropped(drop::no_permission), 3U);
}

TEST(relay_data, channels_carry_bytes_alone) {
    running_relay relay;
    relay_client client(relay.address());
    plain_peer peer, second;
    const udp::endpoint at = relayed(client.allocate());
    EXPECT_EQ(client.bind(0x3FFF, peer.address()).code(), 400);
    EXPECT_EQ(client.bind(0x5000, peer.address()).code(), 400);
    ASSERT_TRUE(client.bind(0x4FFF, peer.address()).is_success());
    EXPECT_TRUE(client.bind(0x4FFF, peer.address()).is_success()) << "refreshed";
    EXPECT_EQ(client.bind(0x4FFF, second.address()).code(), 400);
    EXPECT_EQ(client.bind(0x4000, peer.address()).code(), 400);

    for (const std::string& text :
         {std::string("five5"), std::string(), std::string(1400, 'x'), std::string(3900, 'y')}) {
        client.send(on_channel(0x4FFF, text, 3));
        if (text.empty())
            EXPECT_EQ(peer.receive(), "");
        else
            EXPECT_EQ(peer.receive(), text);
        peer.send(text, at);
        EXPECT_EQ(client.receive(), on_channel(0x4FFF, text)) << "no padding over UDP";
    }
    second.send("by its address", at);  // permitted, but no channel
    EXPECT_EQ(client.receive_reply().message->text(attribute::data), "by its address");
    client.send(on_channel(0x4001, "nobody's"));
    EXPECT_TRUE(relay.wait_for([&] { return relay.dropped(drop::no_channel) == 1; }));
}

TEST(relay_data, clients_of_the_older_document_get_its_channels_where_that_is_asked_for) {
    running_relay relay([](relay_options& o) { o.limit.rfc5766_channels = true; });
    relay_client client(relay.address());
    plain_peer peer;
    client.allocate();
    EXPECT_TRUE(client.bind(0x7FFF, peer.address()).is_success());
    client.send(on_channel(0x7FFF, "old"));
    EXPECT_EQ(peer.receive(), "old");
}

TEST(relay_data, no_address_of_this_machine_is_a_peer_also_where_it_listens_on_all) {
    if (std::getenv("BERTH_OWN_NAMESPACE") == nullptr) GTEST_SKIP() << "an address is made as root";
    const std::string own = "203.0.113.9";
    if (std::system(("ip addr add " + own + "/32 dev lo").c_str()) != 0) GTEST_SKIP() << "no ip (Debian: iproute2)";
    {
        running_relay relay([](relay_options& o) { o.listen = {"0.0.0.0:0"}; });
        relay_client client({asio::ip::address_v4::loopback(), relay.address().port()});
        client.allocate();
        const asio::ip::udp::endpoint there(asio::ip::make_address(own), 9);
        EXPECT_EQ(client.permit(there).code(), 403);
        EXPECT_EQ(client.bind(0x4000, there).code(), 403);
        EXPECT_TRUE(client.permit({asio::ip::make_address("198.51.100.9"), 9}).is_success()) << "somebody else's";
    }
    if (std::system(("ip addr del " + own + "/32 dev lo").c_str()) != 0) ADD_FAILURE();
}

TEST(relay_data, peers_that_are_inside_are_forbidden) {
    running_relay relay([](relay_options& o) { o.rules.allow_loopback = false; });
    relay_client client(relay.address());
    plain_peer peer;
    client.allocate();
    EXPECT_EQ(client.permit(peer.address()).code(), 403);
    EXPECT_EQ(client.bind(0x4000, peer.address()).code(), 403);
    EXPECT_EQ(client.permit({asio::ip::make_address("192.168.0.1"), 9}).code(), 403);
    EXPECT_EQ(client.permit({asio::ip::make_address("224.0.0.1"), 9}).code(), 403);
    EXPECT_EQ(client.ask(stun_method::create_permission).code(), 400) << "no peer at all";
    const reply mixed = client.ask(stun_method::create_permission, [&](stun_writer& w) {
        w.add_address(attribute::xor_peer_address, {asio::ip::make_address("192.0.2.1"), 9});
        w.add_address(attribute::xor_peer_address, peer.address());
    });
    EXPECT_EQ(mixed.code(), 403) << "all or none";
    client.send(send_indication(peer.address(), "x"));
    EXPECT_TRUE(relay.wait_for([&] { return relay.dropped(drop::no_permission) == 1; }));
    EXPECT_EQ(relay.sum([](const auto& c) { return c.to_peers_datagrams.get(); }), 0U);
}

TEST(relay_data, a_late_datagram_of_an_ended_allocation_reaches_nobody) {
    running_relay relay([](relay_options& o) {
        o.ports = "1";
        o.cool_down = 300;
    });
    plain_peer peer;
    relay_client first(relay.address()), second(relay.address());
    const udp::endpoint at = relayed(first.allocate());
    ASSERT_TRUE(first.permit(peer.address()).is_success());
    ASSERT_TRUE(first.refresh(0).is_success());
    peer.send("late", at);
    EXPECT_EQ(second.allocate().code(), 508) << "its port rests";
    ASSERT_TRUE(relay.wait_for([&] { return second.allocate().is_success(); }));
    ASSERT_TRUE(second.permit(peer.address()).is_success());
    peer.send("now", at);
    EXPECT_EQ(second.receive_reply().message->text(attribute::data), "now");
}

TEST(relay_data, two_clients_meet_at_their_relayed_and_at_their_external_addresses) {
    running_relay relay([](relay_options& o) {
        o.external_address = {"198.51.100.9"};
        o.rules.allow_loopback = true;
    });
    relay_client a(relay.address()), b(relay.address());
    const udp::endpoint at_a = relayed(a.allocate()), at_b = relayed(b.allocate());
    EXPECT_EQ(at_a.address().to_string(), "198.51.100.9");
    ASSERT_TRUE(a.permit(at_b).is_success());
    ASSERT_TRUE(b.bind(0x4000, at_a).is_success());
    a.send(send_indication(at_b, "through both"));
    EXPECT_EQ(b.receive(), on_channel(0x4000, "through both"));
    b.send(on_channel(0x4000, "and back"));
    const reply back = a.receive_reply();
    ASSERT_TRUE(back.message);
    EXPECT_EQ(back.message->text(attribute::data), "and back");
    EXPECT_EQ(back.message->address(attribute::xor_peer_address), at_b);
    a.send(send_indication({at_b.address(), relay.address().port()}, "to the relay's own port"));
    EXPECT_TRUE(relay.wait_for([&] { return relay.dropped(drop::denied_peer) == 1; }));
}

TEST(relay_data, a_stream_carries_messages_however_it_is_cut_and_pads_them) {
    running_relay relay;
    relay_client client(relay.address(), true);
    plain_peer peer;
    const udp::endpoint at = relayed(client.allocate());
    ASSERT_TRUE(client.bind(0x4000, peer.address()).is_success());
    bytes all = on_channel(0x4000, "one", 1);
    const bytes second = on_channel(0x4000, "three and more", 2), third = send_indication(peer.address(), "send");
    all.insert(all.end(), second.begin(), second.end());
    all.insert(all.end(), third.begin(), third.end());
    for (const std::uint8_t byte : all) client.send(bytes_view(&byte, 1));
    EXPECT_EQ(peer.receive(), "one");
    EXPECT_EQ(peer.receive(), "three and more");
    EXPECT_EQ(peer.receive(), "send");
    client.send(all);
    EXPECT_EQ(peer.receive(), "one");
    EXPECT_EQ(peer.receive(), "three and more");
    EXPECT_EQ(peer.receive(), "send");
    const std::string large(30000, 'z');
    client.send(on_channel(0x4000, large));
    EXPECT_EQ(peer.receive(), large);
    peer.send("12345", at);
    EXPECT_EQ(client.receive(), on_channel(0x4000, "12345", 3));

    client.stream().close();
    EXPECT_TRUE(relay.wait_for([&] { return relay.logged("allocation_ended", "why=closed") == 1; }));
    EXPECT_TRUE(relay.wait_for([&] { return relay.ports().open == 0; })) << "given back right after it is logged";
}

TEST(relay_data, streams_of_nonsense_of_too_much_and_of_nothing_are_closed) {
    running_relay relay([](relay_options& o) { o.limit.stream_grace = 1s; });
    relay_client nonsense(relay.address(), true), large(relay.address(), true), silent(relay.address(), true),
        busy(relay.address(), true);
    nonsense.send(bytes_of("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"));
    EXPECT_TRUE(nonsense.is_closed());
    large.send(bytes_of(std::string_view("\x00\x03\x20\x00\x21\x12\xA4\x42", 8)));
    EXPECT_TRUE(large.is_closed()) << "8 kB, and no allocation yet";
    ASSERT_TRUE(busy.allocate().is_success());
    silent.ask_once(stun_method::allocate, {}, false);
    EXPECT_TRUE(silent.is_closed()) << "a second without an allocation";
    EXPECT_TRUE(busy.refresh(600).is_success());
}

TEST(relay_data, a_client_that_does_not_read_loses_datagrams_and_not_the_servers_memory) {
    running_relay relay([](relay_options& o) { o.limit.stream_backlog = 64 * 1024; });
    relay_client slow(relay.address(), true), other(relay.address());
    plain_peer peer;
    const udp::endpoint at = relayed(slow.allocate());
    ASSERT_TRUE(slow.bind(0x4000, peer.address()).is_success());
    const std::string text(1000, 'x');
    ASSERT_TRUE(relay.wait_for([&] {
        for (int i = 0; i < 1000; ++i) peer.send(text, at);
        return relay.dropped(drop::slow_client) != 0;
    }));
    EXPECT_TRUE(other.allocate().is_success()) << "others do not wait for it";
    EXPECT_EQ(slow.receive(), on_channel(0x4000, text)) << "and what it gets is whole";
}

TEST(relay_data, an_address_that_shows_nothing_is_answered_only_so_often) {
    running_relay relay([](relay_options& o) { o.limit.refusals_a_second = 5; });
    relay_client known(relay.address());
    ASSERT_TRUE(known.allocate().is_success());
    relay_client forger(relay.address());
    std::array<std::uint8_t, 64> room;
    stun_writer request(room, message_class::request, stun_method::allocate, transaction_id{});
    for (int i = 0; i < 200; ++i) forger.send(request.bytes());
    int answers = 0;
    while (!forger.receive(200ms).empty()) ++answers;
    EXPECT_LE(answers, 30);
    EXPECT_GE(relay.dropped(drop::over_budget), 170U);
    EXPECT_TRUE(known.refresh(600).is_success()) << "who has credentials is answered";
    for (int i = 0; i < 20; ++i) EXPECT_EQ(known.bind(0x1234, known.local()).code(), 400) << "also what is refused";
}

TEST(relay_data, what_is_no_message_is_counted_and_never_answered) {
    running_relay relay;
    relay_client client(relay.address());
    bytes datagram(1, 0);
    for (std::size_t size = 1; size < 40; ++size) {
        datagram.resize(size, static_cast<std::uint8_t>(size));
        client.send(datagram);
    }
    client.send(send_indication(relay.address(), "without an allocation"));
    EXPECT_TRUE(relay.wait_for([&] { return relay.dropped(drop::no_allocation) == 1; }));
    EXPECT_TRUE(client.receive(100ms).empty());
    EXPECT_EQ(relay.dropped(drop::malformed), 39U);
    const reply binding = client.ask_once(stun_method::binding, {}, false);
    EXPECT_EQ(binding.message->address(attribute::xor_mapped_address), client.local());
}

}  // namespace
}  // namespace berth::test
