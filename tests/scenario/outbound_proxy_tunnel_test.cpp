// What goes through the outbound proxy arrives: ends by themselves, resets, last words; and what it does when it
// stops.
#include "scenario/outbound_proxy_ground.hpp"

#include <atomic>
#include <cerrno>

namespace berth::test {
namespace {

constexpr std::size_t much = 8'000'000;

class outbound_tunnel : public outbound_proxy_ground {
protected:
    stream tunnel_to(const small_server& server) const {
        int reply = -1;
        stream s = connect_socks(server.port(), reply);
        EXPECT_EQ(reply, 0) << log();
        return s;
    }
};

TEST_F(outbound_tunnel, an_end_goes_through_and_leaves_the_other_direction_open) {
    start({"--source", "127.0.0.1:any*4"});
    small_server answers_at_the_end([](stream& client) {
        const std::string all = client.receive_all();
        client.send(std::to_string(all.size()));
    });
    stream first = tunnel_to(answers_at_the_end);
    EXPECT_TRUE(first.send(std::string(much, 'x')));
    first.end_sending();
    EXPECT_EQ(first.receive_all(), std::to_string(much));

    std::string heard;
    std::atomic<bool> has_heard{false};
    small_server ends_at_once([&](stream& client) {
        client.send("bye");
        client.end_sending();
        heard = client.receive_all();
        has_heard = true;
    });
    {
        stream second = tunnel_to(ends_at_once);
        EXPECT_EQ(second.receive_all(), "bye");
        EXPECT_TRUE(second.send(std::string(much, 'y')));  // all of it goes, although the client leaves at once
    }
    for (int i = 0; i < 2000 && !has_heard; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(heard.size(), much);
    EXPECT_EQ(stop(), 0);
    EXPECT_EQ(log().find("undelivered"), std::string::npos);
}

TEST_F(outbound_tunnel, what_the_client_sends_with_its_request_arrives_first) {
    start({"--source", "127.0.0.1:any*4"});
    small_server server(serve_echo);
    const std::string to = "127.0.0.1:" + std::to_string(server.port());
    stream http = connect();
    EXPECT_TRUE(http.send("CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n\r\nearly" + std::string(20'000, '.')));
    http.end_sending();
    const std::string answer = http.receive_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer.substr(0, 100);
    EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), "early" + std::string(20'000, '.'));
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_tunnel, what_is_cut_off_on_one_side_is_a_reset_on_the_other) {
    start({"--source", "127.0.0.1:any*4"});
    std::atomic<int> ended{-1};
    small_server resets([](stream& client) {
        client.send("some");
        (void)client.receive(1);
        client.close_with_reset();
    });
    // The server's own descriptor is closed with it; the connection is reset when both are gone.
    small_server waits([&](stream& client) {
        int how = 0;
        client.send("some");
        (void)client.receive_all(&how);
        ended = how;
    });
    stream first = tunnel_to(waits);
    EXPECT_EQ(first.receive(4), "some");
    first.close_with_reset();
    for (int i = 0; i < 1000 && ended < 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(ended, ECONNRESET);
    EXPECT_TRUE(logs("end=client_reset"));

    stream second = tunnel_to(resets);
    EXPECT_EQ(second.receive(4), "some");
    EXPECT_TRUE(second.send("x"));
    int how = 0;
    EXPECT_EQ(second.receive_all(&how), "");
    EXPECT_EQ(how, ECONNRESET);
    EXPECT_TRUE(logs("end=upstream_reset"));
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_tunnel, a_transfer_that_is_under_way_ends_before_the_proxy_does) {
    start({"--source", "127.0.0.1:any*4", "--drain-time", "20"});
    small_server slow([](stream& client) {
        for (int i = 0; i < 20; ++i) {
            client.send(std::string(50'000, 's'));
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    });
    stream s = tunnel_to(slow);
    EXPECT_EQ(s.receive(1), "s");
    tell_to_stop();
    is_told_ = true;
    ASSERT_TRUE(logs("event=drain_begins"));
    std::string said;
    for (int i = 0; i < 400; ++i) {  // its door closes at once, or a moment later
        const stream late = connect();
        if (late.fd() < 0) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        if (i == 399) ADD_FAILURE() << "it still listens";
    }
    EXPECT_EQ(s.receive_all().size(), 20 * 50'000U - 1);
    s.close();
    EXPECT_EQ(stop(), 0);
    EXPECT_NE(log().find("how=clean"), std::string::npos);
    EXPECT_NE(log().find("end=closed"), std::string::npos);
}

TEST_F(outbound_tunnel, a_stop_is_not_held_up_for_ever_by_those_who_do_not_end) {
    start({"--source", "127.0.0.1:any*4", "--drain-time", "1"});
    small_server silent([](stream& client) { (void)client.receive_all(); });
    stream s = tunnel_to(silent);
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(stop(), 3);  // something was cut
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
    int how = 0;
    EXPECT_EQ(s.receive_all(&how), "");
    EXPECT_EQ(how, ECONNRESET);
}

}  // namespace
}  // namespace berth::test
