// Limits of the outbound proxy: ports that run out, what users and addresses may hold, whose headers are believed,
// and clients that are slow, silent, many or greedy while an honest one goes through.
#include "scenario/outbound_proxy_ground.hpp"

#include <algorithm>
#include <cerrno>

namespace berth::test {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class outbound_limits : public outbound_proxy_ground {
protected:
    /// The reply to a request for `to`, by `user` with the password pw if there is one.
    int reply_to(stream& s, std::uint16_t to, const std::string& user = "") const {
        std::string text = user.empty() ? "\5\1\0"s : "\5\1\2\1"s + static_cast<char>(user.size()) + user + "\2pw";
        text += "\5\1\0\1\x7f\0\0\1"s + static_cast<char>(to >> 8) + static_cast<char>(to & 0xff);
        s.send(text);
        const std::string answer = s.receive(user.empty() ? 12 : 14);
        return answer.size() < 12 ? -1 : static_cast<unsigned char>(answer[user.empty() ? 3 : 5]);
    }
    std::string http_status(std::uint16_t to) const {
        stream s = connect();
        s.send("CONNECT 127.0.0.1:" + std::to_string(to) + " HTTP/1.0\r\n\r\n");
        const std::string answer = s.receive(12);
        return answer.size() == 12 ? answer.substr(9) : answer;
    }
    template <class Holds>
    static bool soon(Holds holds, milliseconds limit = milliseconds(5000)) {
        const auto end = clock::now() + limit;
        while (!holds()) {
            if (clock::now() > end) return false;
            std::this_thread::sleep_for(milliseconds(5));
        }
        return true;
    }
};

TEST_F(outbound_limits, ports_that_have_run_out_are_said_so_and_come_back) {
    start({"--source", "127.0.0.1:any*2"});
    small_server server(serve_echo);
    stream first = connect(), second = connect(), third = connect();
    EXPECT_EQ(reply_to(first, server.port()), 0);
    EXPECT_EQ(reply_to(second, server.port()), 0);
    EXPECT_EQ(reply_to(third, server.port()), 1);
    EXPECT_EQ(http_status(server.port()), "503");
    first.close();
    EXPECT_TRUE(soon([&] { return http_status(server.port()) == "200"; }));
    second.close();
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_limits, the_next_source_is_tried_where_one_has_run_out) {
    start({"--source", "small=127.0.0.1:any*1", "--source", "large=127.0.0.2:any*3"});
    small_server server(serve_echo);
    std::vector<stream> all;
    for (int i = 0; i < 4; ++i) EXPECT_EQ(reply_to(all.emplace_back(connect()), server.port()), 0);
    EXPECT_EQ(reply_to(all.emplace_back(connect()), server.port()), 1);
    const auto from = server.visitors(4);
    EXPECT_EQ(std::count_if(from.begin(), from.end(), [&](auto& e) { return is_of("small", e.port()); }), 1);
    EXPECT_EQ(std::count_if(from.begin(), from.end(), [&](auto& e) { return is_of("large", e.port()); }), 3);
    all.clear();
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_limits, a_choice_that_sticks_and_one_that_goes_round) {
    for (const char* how : {"sticky", "round-robin"}) {
        start({"--source", "a=127.0.0.1:any*8", "--source", "b=127.0.0.2:any*8", "--choose", how, "--user", "u:pw"});
        small_server server(serve_echo);
        for (int i = 0; i < 6; ++i) {
            stream s = connect();
            EXPECT_EQ(reply_to(s, server.port(), "u"), 0);
        }
        const auto from = server.visitors(6);
        const auto of_a = std::count_if(from.begin(), from.end(), [&](auto& e) { return is_of("a", e.port()); });
        EXPECT_TRUE(how == "sticky"s ? of_a == 0 || of_a == 6 : of_a == 3) << of_a << ", " << how;
        EXPECT_EQ(stop(), 0);
    }
}

TEST_F(outbound_limits, a_user_holds_no_more_ports_than_it_may) {
    start({"--source", "127.0.0.1:any*16", "--user", "anna:pw", "--user", "bob:pw", "--ports-per-user", "2"});
    small_server server(serve_echo);
    std::vector<stream> of_anna;
    for (int i = 0; i < 2; ++i) EXPECT_EQ(reply_to(of_anna.emplace_back(connect()), server.port(), "anna"), 0);
    stream beyond = connect(), other = connect();
    EXPECT_EQ(reply_to(beyond, server.port(), "anna"), 2);
    EXPECT_EQ(reply_to(other, server.port(), "bob"), 0);
    stream http = connect();
    http.send("CONNECT 127.0.0.1:" + std::to_string(server.port()) +
              " HTTP/1.0\r\nProxy-Authorization: Basic YW5uYTpwdw==\r\n\r\n");  // anna:pw
    EXPECT_EQ(http.receive(12), "HTTP/1.1 429");
    of_anna.pop_back();
    EXPECT_TRUE(soon([&] {
        stream again = connect();
        return reply_to(again, server.port(), "anna") == 0;
    }));
    EXPECT_EQ(server.visitors(4).size(), 4U);
    of_anna.clear();
    other.close();
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_limits, bind_is_refused_by_name) {
    start({"--source", "127.0.0.1:any*2"});
    stream s = connect();
    s.send("\5\1\0\5\2\0\1\x7f\0\0\1\0\x50"s);
    EXPECT_EQ(s.receive(12), "\5\0\5\7\0\1\0\0\0\0\0\0"s);
    EXPECT_EQ(s.receive_all(), "");
    EXPECT_TRUE(logs("end=bind_not_supported"));
    stream udp = connect();  // there is no --udp-relay
    udp.send("\5\1\0\5\3\0\1\0\0\0\0\0\0"s);
    EXPECT_EQ(udp.receive(4).substr(2), "\5\7"s);
    stream old = connect();
    old.send("\4\1\0\x50\x7f\0\0\1u\0"s);
    EXPECT_EQ(old.receive_all(), "");
    EXPECT_TRUE(logs("neither SOCKS5 nor HTTP"));
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_limits, a_trusted_header_names_the_client_that_logs_and_limits_see) {
    start({"--source", "127.0.0.1:any*8", "--proxy-protocol", "allow", "--trust", "127.0.0.1", "--ports-per-address",
           "1", "--max-clients-per-address", "3"});
    small_server server(serve_echo);
    const std::string line = "PROXY TCP4 198.51.100.7 192.0.2.1 4711 443\r\n";
    const std::string binary = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc6\x33\x64\x08\xc0\0\2\1\x12\x67\x01\xbb"s;  // .8
    const std::string local = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"s;
    stream one = connect(), same = connect(), other = connect(), plain = connect(), of_balancer = connect();
    one.send(line);
    EXPECT_EQ(reply_to(one, server.port()), 0);
    same.send(line);
    EXPECT_EQ(reply_to(same, server.port()), 2);  // one port for each address
    other.send(binary);
    EXPECT_EQ(reply_to(other, server.port()), 0);
    EXPECT_EQ(reply_to(plain, server.port()), 0);
    of_balancer.send(local);
    EXPECT_EQ(reply_to(of_balancer, server.port()), 2);  // 127.0.0.1 has its port, too
    std::vector<stream> many;
    for (int i = 0; i < 3; ++i) many.emplace_back(connect()).send(line);
    int how = 0;
    EXPECT_EQ(many.back().receive_all(&how), "");
    EXPECT_EQ(how, ECONNRESET);
    one.close();
    EXPECT_TRUE(logs("client=198.51.100.7:4711"));

    stream bad = connect();
    bad.send("PROXY TCP4 nonsense\r\n");
    EXPECT_EQ(bad.receive_all(&how), "");
    EXPECT_EQ(how, ECONNRESET);
    many.clear();
    for (stream* s : {&same, &other, &plain, &of_balancer}) s->close();
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_limits, a_header_of_somebody_else_is_not_believed) {
    start({"--source", "127.0.0.1:any*8", "--proxy-protocol", "allow", "--trust", "192.0.2.0/24"});
    stream s = connect();
    s.send("PROXY TCP4 198.51.100.7 192.0.2.1 4711 443\r\n\5\1\0"s);
    int how = 0;
    EXPECT_EQ(s.receive_all(&how), "");
    EXPECT_EQ(how, ECONNRESET);
    EXPECT_TRUE(logs("not trusted"));
    small_server server(serve_echo);
    stream without = connect();
    EXPECT_EQ(reply_to(without, server.port()), 0);
    without.close();
    EXPECT_EQ(stop(), 0);
}

// Among all of them an honest client's request is answered within a second; it takes a millisecond when all is quiet.
TEST_F(outbound_limits, slow_silent_and_many_clients_do_not_hold_up_an_honest_one) {
    start({"--source", "127.0.0.1:any*32", "--handshake-time", "1.5", "--max-clients-per-address", "150"});
    small_server server(serve_page);
    std::vector<stream> silent, slow;
    for (int i = 0; i < 50; ++i) silent.emplace_back("127.0.0.1", port());
    for (int i = 0; i < 50; ++i) slow.emplace_back("127.0.0.1", port()).send(i % 2 == 0 ? "CONN" : "\5\2");
    std::vector<milliseconds> times;
    const auto begun = clock::now();
    int floods = 0;
    while (clock::now() < begun + std::chrono::seconds(3)) {
        std::vector<stream> flood;  // they come and go, and the last are beyond the limit of their address
        for (int i = 0; i < 60; ++i, ++floods) flood.emplace_back("127.0.0.1", port());
        if (floods == 60) {
            int how = 0;
            EXPECT_EQ(flood.back().receive_all(&how), "");
            EXPECT_EQ(how, ECONNRESET);
        }
        for (auto& s : slow) s.send("E");
        const auto asked = clock::now();
        std::string said;
        const int status =
            curl("--interface 127.0.0.2 --proxytunnel --proxy http://127.0.0.1:" + std::to_string(port()) +
                     " http://127.0.0.1:" + std::to_string(server.port()) + "/1000",
                 said);
        EXPECT_EQ(status, 0) << said;
        EXPECT_EQ(said, std::string(1000, 'b'));
        times.push_back(std::chrono::duration_cast<milliseconds>(clock::now() - asked));
    }
    const auto slowest = *std::max_element(times.begin(), times.end());
    std::printf("%zu honest requests, the slowest in %lld ms, beside %d connections\n", times.size(),
                static_cast<long long>(slowest.count()), floods);
    EXPECT_GE(times.size(), 5U);
    EXPECT_LT(slowest, std::chrono::seconds(1));
    for (auto& s : silent) EXPECT_EQ(s.receive_all(), "");  // all of them had to go
    EXPECT_TRUE(logs("nothing said in time"));
    slow.clear();
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_limits, who_does_not_read_stops_the_other_side_and_is_cut) {
    start({"--source", "127.0.0.1:any*4", "--write-time", "1.5"});
    std::atomic<std::size_t> taken{0};
    std::atomic<bool> is_over{false};
    small_server endless([&](stream& client) {
        const std::string piece(65536, 'e');
        while (client.send(piece)) taken += piece.size();
        is_over = true;
    });
    int reply = -1;
    stream greedy = connect_socks(endless.port(), reply);
    ASSERT_EQ(reply, 0);
    const long before = resident_kilobytes();
    std::this_thread::sleep_for(milliseconds(700));
    const std::size_t after_a_while = taken;
    std::this_thread::sleep_for(milliseconds(300));
    EXPECT_EQ(taken, after_a_while) << "the other side was not stopped";
    EXPECT_LT(resident_kilobytes() - before, 4096) << "what waits is not in the proxy";
    EXPECT_TRUE(soon([&] { return is_over.load(); }));  // after the write time, by a reset
    EXPECT_TRUE(logs("end=client_slow"));
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_limits, a_tunnel_in_which_nothing_happens_ends) {
    start({"--source", "127.0.0.1:any*1", "--idle-time", "1"});
    small_server server(serve_echo);
    stream s = connect(), chatty = connect();
    EXPECT_EQ(reply_to(s, server.port()), 0);
    EXPECT_EQ(reply_to(chatty, server.port()), 1);  // there is one port
    int how = 0;
    const auto begun = clock::now();
    EXPECT_EQ(s.receive_all(&how), "");
    EXPECT_EQ(how, ECONNRESET);
    EXPECT_LT(clock::now() - begun, std::chrono::seconds(4));
    EXPECT_TRUE(logs("end=idle"));
    stream next = connect();
    EXPECT_EQ(reply_to(next, server.port()), 0);
    for (int i = 0; i < 8; ++i) {  // two seconds, never idle
        std::this_thread::sleep_for(milliseconds(250));
        EXPECT_TRUE(next.send("."));
        EXPECT_EQ(next.receive(1), ".");
    }
    next.close();
    EXPECT_EQ(stop(), 0);
}

}  // namespace
}  // namespace berth::test
