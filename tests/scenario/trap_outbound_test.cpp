// Traps of outbound TCP: the family that sticks, what an abort and a session's options leave, the TIME_WAIT tuple.
#include "scenario/trap_ground.hpp"

#include <netinet/tcp.h>
#include <asio/io_context.hpp>

#include <cstdlib>
#include <fstream>

namespace {

using namespace traps;

class trap_outbound : public testing::Test {
protected:
    void SetUp() override {
        berth::reservation_request request;
        request.block.count = 1;
        request.protocol = transport::tcp;
        request.use = tcp_use::connect;
        reservation_ = port_reservation::reserve(request);
        listener_ = listener(AF_INET6);
    }
    [[nodiscard]] socket_name destination(int family, std::uint32_t v4 = INADDR_LOOPBACK) const {
        return loopback_for(address_family::dual, family, port_of(listener_), v4);
    }
    descriptor accept_one() {
        EXPECT_TRUE(becomes(listener_, POLLIN, 2000));
        return descriptor(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    }
    // A session's whole life over a socket that another session had before.
    void expect_works_at_once(int socket, const socket_name& to) {
        EXPECT_EQ(pending_error(socket), 0);
        ASSERT_EQ(connect_within(socket, to, 1000), 0);
        const descriptor served = accept_one();
        ASSERT_EQ(::send(socket, "new", 3, MSG_NOSIGNAL), 3);
        EXPECT_EQ(next_datagram(served, 150), "new") << "late: corked";
        ASSERT_EQ(::send(served, "old", 3, MSG_NOSIGNAL), 3);
        EXPECT_EQ(next_datagram(socket, 1000), "old");
    }

    port_reservation reservation_;
    descriptor listener_;
};

TEST_F(trap_outbound, a_dual_socket_used_for_ipv4_connects_to_ipv6_at_once) {
    for (const int family : {AF_INET, AF_INET6, AF_INET, AF_INET6, AF_INET6}) {
        SCOPED_TRACE(family);
        auto port = take(reservation_);
        expect_works_at_once(port.io_handle(), destination(family));
        give_back(port);
    }
    EXPECT_EQ(reservation_.statistics().condemned, 0u);
}

TEST_F(trap_outbound, a_refused_or_reset_session_leaves_no_error) {
    auto port = take(reservation_);
    EXPECT_EQ(connect_within(port.io_handle(), loopback_for(address_family::dual, AF_INET, 1), 1000), ECONNREFUSED);
    give_back(port);
    port = take(reservation_);
    expect_works_at_once(port.io_handle(), destination(AF_INET6));
    give_back(port);

    port = take(reservation_);
    ASSERT_EQ(connect_within(port.io_handle(), destination(AF_INET), 1000), 0);
    {
        const descriptor served = accept_one();
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ASSERT_EQ(::setsockopt(served, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    }
    EXPECT_TRUE(becomes(port.io_handle(), POLLERR, 1000));
    give_back(port);
    port = take(reservation_);
    expect_works_at_once(port.io_handle(), destination(AF_INET6));
}

TEST_F(trap_outbound, an_abandoned_attempt_is_no_business_of_the_next_owner) {
    auto port = take(reservation_);
    const auto nowhere = loopback_for(address_family::dual, AF_INET, 9, 0xf0000001);  // 240.0.0.1: reserved addresses
    (void)::connect(port.io_handle(), nowhere.get(), nowhere.size);
    give_back(port);
    port = take(reservation_);
    ASSERT_EQ(connect_within(port.io_handle(), destination(AF_INET), 1000), 0);
    const descriptor served = accept_one();
    ASSERT_EQ(::send(served, "UNREAD", 6, MSG_NOSIGNAL), 6);
    ASSERT_TRUE(becomes(port.io_handle(), POLLIN, 1000));
    give_back(port);
    port = take(reservation_);
    EXPECT_EQ(connect_within(port.io_handle(), destination(AF_INET, INADDR_LOOPBACK + 1), 1000), 0);
    EXPECT_EQ(next_datagram(port.io_handle(), 50), "nothing");
}

// Level, name, a value that no fresh socket has.
constexpr int leftovers[][3] = {{IPPROTO_TCP, TCP_CORK, 1},
                                {IPPROTO_TCP, TCP_NODELAY, 1},
                                {SOL_SOCKET, SO_KEEPALIVE, 1},
                                {IPPROTO_TCP, TCP_KEEPIDLE, 7},
                                {IPPROTO_TCP, TCP_KEEPCNT, 3},
                                {IPPROTO_TCP, TCP_USER_TIMEOUT, 5000},
                                {IPPROTO_IP, 21 /* IP_MINTTL */, 3},
                                {SOL_SOCKET, SO_RCVBUF, 4096},
                                {SOL_SOCKET, SO_SNDBUF, 8192},
                                {SOL_SOCKET, SO_RCVLOWAT, 2},
                                {IPPROTO_IPV6, 73 /* MINHOPCOUNT */, 3},
                                {IPPROTO_TCP, TCP_WINDOW_CLAMP, 9000}};

TEST_F(trap_outbound, options_of_a_session_do_not_survive_it) {
    auto port = take(reservation_);
    std::vector<int> fresh;
    for (const auto& [level, number, value] : leftovers) fresh.push_back(option(port.io_handle(), level, number));
    char congestion[16] = {}, now[16] = {};
    socklen_t size = sizeof congestion;
    ASSERT_EQ(::getsockopt(port.io_handle(), IPPROTO_TCP, TCP_CONGESTION, congestion, &size), 0);

    const int lent = port.native_handle();
    for (const auto& [level, number, value] : leftovers) set_int(lent, level, number, value);
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ASSERT_EQ(::setsockopt(lent, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    ASSERT_EQ(::setsockopt(lent, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
    set_int(lent, IPPROTO_TCP, TCP_MAXSEG, 600);  // reads as the last connection's until the next one is made
    ASSERT_EQ(connect_within(lent, destination(AF_INET), 1000), 0);
    ASSERT_EQ(::send(lent, "corked", 6, MSG_NOSIGNAL), 6);
    const descriptor served = accept_one();
    give_back(port);  // an abort: the connection is up

    port = take(reservation_);
    std::size_t i = 0;
    for (const auto& [level, number, value] : leftovers) {
        EXPECT_EQ(option(port.io_handle(), level, number), fresh[i++]) << level << '/' << number;
    }
    size = sizeof now;
    ASSERT_EQ(::getsockopt(port.io_handle(), IPPROTO_TCP, TCP_CONGESTION, now, &size), 0);
    EXPECT_STREQ(now, congestion);
    linger left{};
    size = sizeof left;
    ASSERT_EQ(::getsockopt(port.io_handle(), SOL_SOCKET, SO_LINGER, &left, &size), 0);
    EXPECT_EQ(left.l_onoff, 0);
    expect_works_at_once(port.io_handle(), destination(AF_INET6));
    EXPECT_GT(option(port.io_handle(), IPPROTO_TCP, TCP_MAXSEG), 1000);
}

TEST_F(trap_outbound, options_set_through_asio_do_not_survive_either) {
    asio::io_context context;
    error_code ec;
    {
        auto socket = reservation_.take<asio::ip::tcp::socket>(context.get_executor(), ec);
        ASSERT_FALSE(ec) << ec.message();
        socket->set_option(asio::ip::tcp::no_delay(true));
        socket->set_option(asio::socket_base::linger(true, 0));
        socket->set_option(asio::socket_base::receive_buffer_size(4096));
        socket->set_option(asio::socket_base::keep_alive(true));
    }
    auto socket = reservation_.take<asio::ip::tcp::socket>(context.get_executor(), ec);
    ASSERT_FALSE(ec) << ec.message();
    asio::ip::tcp::no_delay no_delay;
    asio::socket_base::linger linger;
    asio::socket_base::keep_alive keep_alive;
    socket->get_option(no_delay), socket->get_option(linger), socket->get_option(keep_alive);
    EXPECT_FALSE(no_delay.value() || linger.enabled() || keep_alive.value());
    expect_works_at_once(socket->native_handle(), destination(AF_INET6));
}

void close_as_first(int socket, descriptor served) {
    ASSERT_EQ(::shutdown(socket, SHUT_WR), 0);
    ASSERT_EQ(next_datagram(served, 1000), "");
    served.close();
    ASSERT_EQ(next_datagram(socket, 1000), "");
}

TEST_F(trap_outbound, a_time_wait_tuple_does_not_stop_the_next_owner) {
    for (int session = 0; session < 3; ++session) {
        auto port = take(reservation_);
        ASSERT_EQ(connect_within(port.io_handle(), destination(AF_INET), 1000), 0) << "with timestamps, at once";
        close_as_first(port.io_handle(), accept_one());
        give_back(port);
        port = take(reservation_);
        EXPECT_EQ(connect_within(port.io_handle(), destination(AF_INET, INADDR_LOOPBACK + 1), 1000), 0);
        (void)accept_one();
    }
}

TEST_F(trap_outbound, without_timestamps_a_time_wait_tuple_is_refused_and_other_destinations_are_not) {
    if (std::getenv("BERTH_OWN_NAMESPACE") == nullptr) GTEST_SKIP() << "no network namespace of its own";
    std::ofstream setting("/proc/sys/net/ipv4/tcp_timestamps");
    if (!(setting << 0 << std::flush)) GTEST_SKIP() << "tcp_timestamps may not be changed here";
    auto port = take(reservation_);
    ASSERT_EQ(connect_within(port.io_handle(), destination(AF_INET), 1000), 0);
    close_as_first(port.io_handle(), accept_one());
    give_back(port);
    port = take(reservation_);
    EXPECT_EQ(connect_within(port.io_handle(), destination(AF_INET), 1000), EADDRNOTAVAIL);
    EXPECT_EQ(connect_within(port.io_handle(), destination(AF_INET, INADDR_LOOPBACK + 1), 1000), 0);
    setting << 1 << std::flush;
}

}  // namespace
