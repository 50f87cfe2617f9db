// Consumers of a persistent block: they take, serve and give back as with a reservation of their own, several at
// once, and the daemon knows who has what.
#include "loopback.hpp"
#include "share_ground.hpp"

#include <berth/associate.hpp>

#include <signal.h>
#include <sys/mman.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <set>

namespace berth::test {
namespace {

using namespace std::chrono_literals;

class daemon_share : public share_ground {};

TEST_F(daemon_share, a_listener_of_the_block_serves_real_clients) {
    auto share = open(create(transport::tcp, 20));
    EXPECT_EQ(share.block(), block_);
    EXPECT_EQ(share.token(), token_);
    for (int round = 0; round < 50; ++round) {
        auto port = share.take();
        const int client = connected_client(port.port());
        ASSERT_GE(client, 0);
        const int accepted = accept_within(static_cast<int>(port.io_handle()));
        ASSERT_GE(accepted, 0);
        ASSERT_EQ(::send(client, "hello", 5, MSG_NOSIGNAL), 5);
        ASSERT_TRUE(readable(accepted));
        char text[8];
        EXPECT_EQ(::recv(accepted, text, sizeof text, 0), 5);
        close_hard(accepted);
        close_hard(client);
    }
    EXPECT_EQ(share.statistics().condemned, 0u);
}

TEST_F(daemon_share, a_datagram_socket_hears_while_it_is_taken_and_only_then) {
    auto share = open(create(transport::udp, 4));
    for (int round = 0; round < 50; ++round) {
        auto port = share.take();
        const int fd = static_cast<int>(port.io_handle());
        EXPECT_FALSE(readable(fd, 0)) << "something of an earlier session";
        EXPECT_TRUE(hears(fd, port.port()));
        const auto number = port.port();
        send_datagram(number);
        port = {};
        send_datagram(number);
    }
}

TEST_F(daemon_share, an_outbound_port_connects) {
    auto share = open(create(transport::tcp, 8, tcp_use::connect));
    const destination to;
    for (int round = 0; round < 50; ++round) {
        auto port = share.take();
        const int fd = static_cast<int>(port.io_handle());
        const int r = connect_to(fd, AF_INET6, to.port);
        ASSERT_TRUE(r == 0 || errno == EINPROGRESS) << errno;
        const int accepted = accept_within(to.fd);
        ASSERT_GE(accepted, 0);
        sockaddr_in6 from{};
        socklen_t size = sizeof from;
        ASSERT_EQ(::getpeername(accepted, reinterpret_cast<sockaddr*>(&from), &size), 0);
        EXPECT_EQ(ntohs(from.sin6_port), port.port());
        close_hard(accepted);
    }
}

TEST_F(daemon_share, the_fast_path_asks_nobody) {
    auto share = open(create(transport::udp, 300));
    { const auto first = share.take(); }
    const auto fetched = ports_out();
    EXPECT_EQ(fetched, 64u);
    EXPECT_EQ(share.available(), fetched);
    ::kill(daemon_, SIGSTOP);
    error_code ec;
    for (int i = 0; i < 5000; ++i) {
        const auto a = share.take(ec), b = share.take(ec);
        ASSERT_FALSE(ec) << ec.message();
        ASSERT_NE(a.port(), b.port());
    }
    ::kill(daemon_, SIGCONT);
    EXPECT_EQ(ports_out(), fetched);
}

TEST_F(daemon_share, given_ports_and_pairs_are_fetched_as_they_are_needed) {
    auto share = open(create(transport::udp, 40), 4);
    error_code ec;
    const auto number = static_cast<std::uint16_t>(block_.first + 17);
    auto given = share.take_port(number, ec);
    ASSERT_FALSE(ec) << ec.message();
    EXPECT_EQ(given.port(), number);
    EXPECT_EQ(ports_out(), 1u);
    auto again = share.take_port(number, ec);
    EXPECT_EQ(ec, errc::port_taken);
    again = share.take_port(static_cast<std::uint16_t>(block_.first + 40), ec);
    EXPECT_EQ(ec, errc::port_outside_block);
    std::vector<std::array<bound_port, 2>> pairs;
    for (;;) {
        auto pair = share.take_pair(ec);
        if (ec) break;
        EXPECT_EQ(pair[0].port() % 2, 0);
        EXPECT_EQ(pair[1].port(), pair[0].port() + 1);
        pairs.push_back(std::move(pair));
    }
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_GE(pairs.size(), 18u);
}

TEST_F(daemon_share, all_of_the_block_is_one_consumers_if_it_is_alone) {
    auto share = open(create(transport::udp, 500));
    auto all = take_all(share);
    EXPECT_EQ(all.size(), 500u);
    std::set<std::uint16_t> numbers;
    for (const auto& p : all) numbers.insert(p.port());
    EXPECT_EQ(numbers.size(), 500u);
    EXPECT_EQ(last_refusal(share).code, errc::block_exhausted);
    EXPECT_EQ(ports_out(), 500u);
    all.clear();
    share.release();
    EXPECT_TRUE(comes_true([&] { return ports_out() == 0; }));
    EXPECT_EQ(listed().consumers, 0u);
    auto next = open(token_);
    EXPECT_EQ(take_all(next).size(), 500u);
}

TEST_F(daemon_share, what_is_idle_with_one_is_there_for_the_others) {
    create(transport::udp, 24);
    auto a = open(token_), b = open(token_), c = open(token_);
    auto with_a = take_all(a);
    EXPECT_GE(with_a.size(), 22u);  // one is kept for each of those who have none
    EXPECT_EQ(last_refusal(a).code, errc::block_exhausted);
    EXPECT_NE(last_refusal(a).what.find("3 share them"), std::string::npos) << last_refusal(a).what;
    auto with_b = take_all(b);
    EXPECT_GE(with_b.size(), 1u);
    with_b.clear();
    with_a.clear();
    with_b = take_all(b);
    EXPECT_GE(with_b.size(), 22u);
    auto with_c = take_all(c);
    EXPECT_EQ(with_a.size() + with_b.size() + with_c.size(), 24u);
}

TEST_F(daemon_share, a_block_that_is_out_is_not_removed_and_a_drained_one_comes_back) {
    auto share = open(create(transport::tcp, 10));
    auto taken = take_all(share, 3);
    const auto out = ports_out();
    EXPECT_GE(out, 3u);
    failure f;
    remove_persistent(block_, protocol_, f, at());
    ASSERT_EQ(f.code, errc::reservation_busy) << "a block is removed with " << out << " ports out";
    EXPECT_EQ(f.count, out);
    EXPECT_EQ(listed().consumers, 1u);
    EXPECT_EQ(persistent_status(f, at()).ports_out, out);
    EXPECT_EQ(persistent_status(f, at()).consumers, 1u);

    EXPECT_TRUE(drain_persistent(block_, protocol_, true, f, at()).is_draining);
    EXPECT_TRUE(comes_true([&] { return ports_out() == 3; })) << ports_out();
    error_code ec;
    const auto none = share.take(ec);
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_NE(last_refusal(share).what.find("drained"), std::string::npos);
    taken.pop_back();
    EXPECT_TRUE(comes_true([&] { return ports_out() == 2; })) << ports_out();
    remove_persistent(block_, protocol_, f, at());
    EXPECT_EQ(f.code, errc::reservation_busy);
    EXPECT_EQ(f.count, 2u);
    drain_persistent(block_, protocol_, false, f, at());
    auto more = share.take(ec);
    EXPECT_FALSE(ec) << ec.message();
    drain_persistent(block_, protocol_, true, f, at());
    more = {};
    taken.clear();
    EXPECT_TRUE(comes_true([&] {
        remove_persistent(block_, protocol_, f, at());
        return !f;
    })) << f.what;
    expect_free(protocol_, block_);
    more = share.take(ec);
    EXPECT_EQ(ec, errc::reservation_released);
}

TEST_F(daemon_share, a_poisoned_socket_is_replaced_by_the_daemon) {
    auto share = open(create(transport::udp, 1));
    for (int round = 0; round < 5; ++round) {
        auto port = share.take();
        ASSERT_TRUE(port);
        ::shutdown(static_cast<int>(port.native_handle()), SHUT_RDWR);
        port = {};
        error_code ec;
        ASSERT_TRUE(comes_true([&] {
            port = share.take(ec);
            return !ec;
        })) << ec.message();
        EXPECT_TRUE(hears(static_cast<int>(port.io_handle()), port.port()));
    }
    expect_held(transport::udp, block_);
}

// Nothing can be seen of it on the socket itself: what the consumer says decides.
TEST_F(daemon_share, a_socket_that_an_event_queue_still_names_is_replaced_by_the_daemon) {
    auto share = open(create(transport::udp, 1));
    const auto inode = [](const bound_port& p) {
        struct stat status {};
        EXPECT_EQ(::fstat(static_cast<int>(p.io_handle()), &status), 0);
        return status.st_ino;
    };
    auto port = share.take();
    ASSERT_TRUE(port);
    const auto former = inode(port);
    const int queue = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event readable{};
    readable.events = EPOLLIN;
    const int copy = static_cast<int>(port.duplicate());
    ASSERT_EQ(::epoll_ctl(queue, EPOLL_CTL_ADD, copy, &readable), 0);
    ::close(copy);
    port = {};
    error_code ec;
    ASSERT_TRUE(comes_true([&] {
        port = share.take(ec);
        return !ec;
    })) << ec.message();
    EXPECT_NE(inode(port), former) << "the next session would be heard by the queue of the last one";
    EXPECT_TRUE(hears(static_cast<int>(port.io_handle()), port.port()));
    ::close(queue);
}

TEST_F(daemon_share, associate_takes_a_persistent_token) {
    create(transport::udp, 6);
    ASSERT_EQ(::setenv("BERTH_SOCKET", socket().c_str(), 1), 0);
    error_code ec;
    const int fd = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int off = 0;
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    associate(fd, reservation_token(token_.value() ^ 1), ec);
    EXPECT_EQ(ec, errc::invalid_token);
    associate(fd, token_, ec);
    ASSERT_FALSE(ec) << ec.message();
    bind(fd, bind_endpoint(asio::ip::address_v6::any(), 0), ec);
    ASSERT_FALSE(ec) << ec.message();
    EXPECT_TRUE(block_.contains(port_of(fd)));
    EXPECT_TRUE(hears(fd, port_of(fd)));
    EXPECT_GE(ports_out(), 1u);
    give_back(fd, ec);
    EXPECT_FALSE(ec) << ec.message();
    const int tcp = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    associate(tcp, token_, ec);
    EXPECT_EQ(ec, errc::protocol_mismatch);
    ::close(tcp);
    failure f;
    const int any = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    release(any, token_, f);
    EXPECT_EQ(f.code, errc::invalid_token) << "what persists is removed, not released";
    ::close(any);
    auto other = open_persistent(token_, here());
    std::vector<bound_port> taken;
    EXPECT_TRUE(comes_true([&] {
        if (auto port = other.take(ec)) taken.push_back(std::move(port));
        return taken.size() == 5;
    })) << "what the process has for associate() goes where it is wanted, but for one that is kept for who has fewer";
    ::unsetenv("BERTH_SOCKET");
}

TEST_F(daemon_share, what_cannot_be_is_said) {
    create(transport::udp, 2);
    failure f;
    auto share = open_persistent(reservation_token(token_.value() + 1), f, here());
    EXPECT_EQ(f.code, errc::invalid_token);
    EXPECT_FALSE(share);
    auto options = here();
    options.fetch = 254;
    share = open_persistent(token_, f, options);
    EXPECT_EQ(f.code, errc::invalid_argument);
    EXPECT_NE(f.what.find("254"), std::string::npos);
    options = here();
    options.socket_path += ".nowhere";
    share = open_persistent(token_, f, options);
    EXPECT_EQ(f.code, errc::service_unavailable);
    EXPECT_NE(f.what.find(options.socket_path), std::string::npos);
}

}  // namespace
}  // namespace berth::test
