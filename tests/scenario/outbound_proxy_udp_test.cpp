// UDP ASSOCIATE: datagrams go both ways between a client and those it speaks with, and nobody else's.
#include "scenario/outbound_proxy_ground.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <asio/ip/udp.hpp>

#include <optional>

namespace berth::test {
namespace {

using asio::ip::udp;

/// A socket on loopback.
class datagrams {
public:
    explicit datagrams(const char* address = "127.0.0.1") {
        udp::endpoint at(asio::ip::make_address(address), 0);
        fd_ = ::socket(at.protocol().family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
        auto size = static_cast<socklen_t>(at.size());
        if (::bind(fd_, at.data(), size) == 0 && ::getsockname(fd_, at.data(), &size) == 0) port_ = at.port();
    }
    datagrams(const datagrams&) = delete;
    datagrams& operator=(const datagrams&) = delete;
    ~datagrams() { ::close(fd_); }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    void send(const std::string& bytes, const udp::endpoint& to) const {
        ::sendto(fd_, bytes.data(), bytes.size(), 0, to.data(), static_cast<socklen_t>(to.size()));
    }
    /// "nothing" if nothing comes.
    std::string receive(udp::endpoint& from, int milliseconds = 2000) const {
        pollfd waited{fd_, POLLIN, 0};
        if (::poll(&waited, 1, milliseconds) != 1) return "nothing";
        char bytes[65536];
        auto size = static_cast<socklen_t>(from.capacity());
        const auto n = ::recvfrom(fd_, bytes, sizeof bytes, 0, from.data(), &size);
        from.resize(size);
        return {bytes, static_cast<std::size_t>(n)};
    }
    std::string receive(int milliseconds = 2000) const {
        udp::endpoint ignored;
        return receive(ignored, milliseconds);
    }

private:
    int fd_ = -1;
    std::uint16_t port_ = 0;
};

std::string number(std::uint16_t n) { return {static_cast<char>(n >> 8), static_cast<char>(n & 0xff)}; }
std::string header(std::uint16_t port) { return "\0\0\0\1\x7f\0\0\1"s + number(port); }
udp::endpoint local(std::uint16_t port) { return {asio::ip::make_address("127.0.0.1"), port}; }
constexpr int shortly = 150;  // ms, in which nothing must come

class outbound_udp : public outbound_proxy_ground {
protected:
    /// Where its datagrams go to; port 0: it was refused with `reply_`.
    udp::endpoint associate(stream& control, std::uint16_t from = 0) {
        control.send("\5\1\0\5\3\0\1\0\0\0\0"s + number(from));
        const std::string answer = control.receive(12);
        reply_ = answer.size() == 12 ? answer[3] : -1;
        if (reply_ != 0) return local(0);
        EXPECT_EQ(answer.substr(5, 5), "\1\x7f\0\0\1"s);
        const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(answer[i]); };
        return local(static_cast<std::uint16_t>(octet(10) << 8 | octet(11)));
    }
    int reply_ = -1;
};

TEST_F(outbound_udp, datagrams_go_to_many_and_come_back_with_their_senders) {
    start({"--udp-relay", "near=127.0.0.1:any*4", "--udp-source", "far=127.0.0.1:any*4", "--udp-source",
           "six=[::1]:any*2"});
    const datagrams client, one, two, six("::1");
    stream control = connect();
    const auto relay = associate(control);
    ASSERT_EQ(reply_, 0) << log();
    EXPECT_TRUE(is_of("near", relay.port()));
    udp::endpoint from;
    for (const datagrams* there : {&one, &two}) {
        for (const std::string& text : {"hello"s, ""s, std::string(4000, 'x')}) {
            client.send(header(there->port()) + text, relay);
            EXPECT_EQ(there->receive(from), text);
            EXPECT_TRUE(is_of("far", from.port())) << from;
            there->send("you said " + text.substr(0, 5), from);
            udp::endpoint by;
            EXPECT_EQ(client.receive(by), header(there->port()) + "you said " + text.substr(0, 5));
            EXPECT_EQ(by, relay);
        }
    }
    client.send("\0\0\0\4"s + std::string(15, '\0') + "\1" + number(six.port()) + "six", relay);
    EXPECT_EQ(six.receive(from), "six");
    EXPECT_TRUE(is_of("six", from.port())) << from;
    client.send("\0\0\0\3\x09localhost"s + number(one.port()) + "by name", relay);
    const std::string named = one.receive();
    EXPECT_TRUE(named == "by name" || named == "nothing");  // where localhost is ::1 alone
    control.close();
    EXPECT_TRUE(logs("protocol=udp"));
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_udp, strangers_are_not_heard_on_either_side) {
    start({"--udp-relay", "127.0.0.1:any*4"});
    const datagrams client, there, stranger, other_address("127.0.0.2");
    stream control = connect();
    const auto relay = associate(control);
    ASSERT_EQ(reply_, 0);
    other_address.send(header(there.port()) + "x", relay);  // not the address that has the connection
    EXPECT_EQ(there.receive(shortly), "nothing");
    udp::endpoint from;
    client.send(header(there.port()) + "first", relay);
    EXPECT_EQ(there.receive(from), "first");
    stranger.send(header(there.port()) + "x", relay);  // its address, and not the port of the first datagram
    EXPECT_EQ(there.receive(shortly), "nothing");
    stranger.send("unasked", from);  // to the far side's port
    EXPECT_EQ(client.receive(shortly), "nothing");
    there.send("asked", from);
    EXPECT_EQ(client.receive(), header(there.port()) + "asked");
    client.send("\0\0\1\1\x7f\0\0\1"s + number(there.port()) + "fragment", relay);
    client.send("\0\0\0\1\x0a\0\0\1"s + number(there.port()) + "refused", relay);
    client.send("\0\0\0\1"s, relay);
    client.send(header(0) + "port 0", relay);
    EXPECT_EQ(there.receive(shortly), "nothing");
    client.send(header(there.port()) + "still there", relay);
    EXPECT_EQ(there.receive(), "still there");
    control.close();
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_udp, a_port_that_is_named_is_the_only_one_that_is_heard) {
    start({"--udp-relay", "127.0.0.1:any*4"});
    const datagrams client, there, other;
    stream control = connect();
    const auto relay = associate(control, client.port());
    ASSERT_EQ(reply_, 0);
    other.send(header(there.port()) + "x", relay);
    EXPECT_EQ(there.receive(shortly), "nothing");
    client.send(header(there.port()) + "mine", relay);
    EXPECT_EQ(there.receive(), "mine");
    control.close();
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_udp, it_ends_with_its_connection_and_its_ports_come_back) {
    start({"--udp-relay", "127.0.0.1:any*2", "--ports-per-address", "8"});
    const datagrams client, there;
    for (int round = 0; round < 6; ++round) {
        stream control = connect();
        const auto relay = associate(control);
        ASSERT_EQ(reply_, 0) << round;
        udp::endpoint from;
        client.send(header(there.port()) + "x", relay);
        EXPECT_EQ(there.receive(from), "x");  // a port on each side: both are in use
        stream second = connect();
        associate(second);
        EXPECT_EQ(reply_, 1);
        control.close();
        EXPECT_TRUE(logs("protocol=udp"));
        for (int i = 0; i < 200; ++i) {
            std::size_t lines = 0;
            const std::string text = log();
            for (std::size_t at = 0; (at = text.find("bytes_up=1 ", at)) != text.npos; ++at) ++lines;
            if (lines == static_cast<std::size_t>(round) + 1) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        client.send(header(there.port()) + "late", relay);
        there.send("late", from);
        EXPECT_EQ(there.receive(20), "nothing");
        EXPECT_EQ(client.receive(20), "nothing");
    }
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_udp, ports_that_are_not_allowed_are_not_reached) {
    const datagrams client, allowed, refused;
    start({"--udp-relay", "127.0.0.1:any*2", "--socks-ports", std::to_string(allowed.port())});
    stream control = connect();
    const auto relay = associate(control);
    ASSERT_EQ(reply_, 0);
    client.send(header(refused.port()) + "x", relay);
    client.send("\0\0\0\3\t127.0.0.1"s + number(refused.port()) + "x", relay);
    client.send(header(allowed.port()) + "behind them", relay);
    EXPECT_EQ(allowed.receive(), "behind them");
    EXPECT_EQ(refused.receive(shortly), "nothing");
    control.close();
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_udp, a_user_without_a_source_for_datagrams_is_told_so) {
    start({"--source", "paris=127.0.0.1:any*2", "--udp-relay", "near=127.0.0.1:any*4", "--user", "a:pw:paris",
           "--user", "b:pw:paris,near"});
    const auto reply_to = [](stream& control, char user) {
        control.send("\5\1\2\1\1"s + user + "\2pw\5\3\0\1\0\0\0\0\0\0"s);
        const std::string answer = control.receive(14);
        return answer.size() == 14 ? int{answer[5]} : -1;
    };
    stream of_paris = connect(), of_both = connect();
    EXPECT_EQ(reply_to(of_paris, 'a'), 2);
    EXPECT_EQ(reply_to(of_both, 'b'), 0) << log();
    of_both.close();
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_udp, each_port_that_an_association_holds_counts) {
    start({"--udp-relay", "near=127.0.0.1:any*4", "--udp-source", "far=127.0.0.1:any*4", "--udp-source",
           "six=[::1]:any*2", "--ports-per-address", "3"});
    const datagrams client, one, six("::1");
    const std::string to_six = "\0\0\0\4"s + std::string(15, '\0') + "\1" + number(six.port()) + "six";
    const auto serves = [&](const udp::endpoint& relay) {
        client.send(header(one.port()) + "four", relay);
        return one.receive() == "four";
    };
    stream first = connect(), second = connect();
    auto relay = associate(first);
    ASSERT_EQ(reply_, 0);
    EXPECT_TRUE(serves(relay));
    associate(second);
    EXPECT_EQ(reply_, 2) << "of three ports two are held";
    client.send(to_six, relay);
    EXPECT_EQ(six.receive(), "six");
    first.close();
    std::optional<stream> third;
    for (int i = 0; i < 200 && reply_ != 0; ++i) {  // until the proxy has heard of the end
        ::usleep(10'000);
        relay = associate(third.emplace(connect()));
    }
    ASSERT_EQ(reply_, 0);
    const small_server server(serve_echo);
    int reply = -1;
    stream tcp = connect_socks(server.port(), reply);
    EXPECT_EQ(reply, 0) << "the third port";
    EXPECT_TRUE(serves(relay));
    client.send(to_six, relay);
    EXPECT_EQ(six.receive(shortly), "nothing") << "it would be a fourth port";
    EXPECT_TRUE(serves(relay));
    third->close(), tcp.close();
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_udp, no_more_destinations_at_once_than_allowed) {
    start({"--udp-relay", "127.0.0.1:any*2", "--udp-destinations", "2"});
    const datagrams client, one, two, three;
    stream control = connect();
    const auto relay = associate(control);
    ASSERT_EQ(reply_, 0);
    udp::endpoint from;
    for (const datagrams* there : {&one, &two, &three}) {
        client.send(header(there->port()) + "x", relay);
        EXPECT_EQ(there->receive(from), "x");
    }
    one.send("too late", from);  // it made room for the third
    EXPECT_EQ(client.receive(shortly), "nothing");
    two.send("2", from);
    EXPECT_EQ(client.receive(), header(two.port()) + "2");
    control.close();
    EXPECT_EQ(stop(), 0);
}

}  // namespace
}  // namespace berth::test
