// The fork, and the looks before and after it; see forked_child.hpp.
#include "forked_child.hpp"

#include "loopback.hpp"

#include <cerrno>

namespace berth::test {

void forked_child::SetUp() {
    reservation_ = port_reservation::reserve(request_for(GetParam(), {0, 4}));
    open_ = take();
    lent_ = take();
    static_cast<void>(lent_.native_handle());
    before_ = reservation_.statistics().ports;
}

bound_port forked_child::take() {
    error_code ec;
    auto p =
        GetParam().protocol == transport::tcp_and_udp ? reservation_.take(transport::udp, ec) : reservation_.take(ec);
    EXPECT_FALSE(ec) << ec.message();
    return p;
}

bool forked_child::serves(const bound_port& p) {
    if (kind() == oracle_protocol::udp) return hears(p.io_handle(), p.port());
    if (GetParam().use == tcp_use::listen) {
        const int client = connected_client(p.port());
        const int server = accept_within(p.io_handle());
        ::close(client), ::close(server);
        return server >= 0;
    }
    const destination to;
    return connect_to(p.io_handle(), AF_INET6, to.port) == 0 || errno == EINPROGRESS;
}

bool forked_child::parked_ports_are_silent() {
    for (std::uint32_t i = 0; i < 4; ++i) {
        const auto port = static_cast<std::uint16_t>(reservation_.block().first + i);
        if (port == open_.port() || port == lent_.port() || kind() != oracle_protocol::udp) continue;
        send_datagram(port);
        error_code ec;
        auto p = GetParam().protocol == transport::tcp_and_udp ? reservation_.take_port(port, transport::udp, ec)
                                                               : reservation_.take_port(port, ec);
        if (!p) return false;
        char got[4];
        if (::recv(p.io_handle(), got, sizeof got, MSG_DONTWAIT) >= 0) return false;
        if (!hears(p.io_handle(), port)) return false;
    }
    return true;
}

void forked_child::expect_unchanged() {
    const auto now = reservation_.statistics().ports;
    EXPECT_EQ(now.available, before_.available);
    EXPECT_EQ(now.open, before_.open);
    EXPECT_EQ(now.total(), before_.total());
    EXPECT_TRUE(parked_ports_are_silent());
    EXPECT_TRUE(serves(open_)) << "an open port does not hear any more";
    EXPECT_TRUE(serves(lent_)) << "an open port does not hear any more";
    failure f;
    EXPECT_FALSE(port_reservation::reserve(request_for(GetParam(), reservation_.block()), f));
    EXPECT_EQ(f.code, errc::block_unavailable) << "the block is not held exclusively";
    EXPECT_TRUE(strangers_on(kind(), reservation_.block().first, 4).empty());
    error_code ec;
    open_.give_back(ec), lent_.give_back(ec);
    EXPECT_EQ(reservation_.statistics().condemned, 0U);
    EXPECT_EQ(reservation_.statistics().ports.available, before_.total());
}

}  // namespace berth::test
