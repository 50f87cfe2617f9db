// Trap: a duplicate that outlives its session can read, accept, connect and shut down the socket of the next one.
//
// So an exposed port rests until no descriptor of this process names its socket any more; it is never lost.
#include "scenario/trap_ground.hpp"

#include <unistd.h>

#include <algorithm>

namespace {

using namespace traps;

class trap_dups : public by_parking {
protected:
    // take, duplicate, give back: what is left is the duplicate.
    static descriptor leave_a_duplicate(port_reservation& reservation) {
        auto port = take(reservation);
        error_code ec;
        descriptor copy(port.duplicate(ec));
        EXPECT_FALSE(ec) << ec.message();
        give_back(port);
        return copy;
    }
    static void expect_kept_back(port_reservation& reservation) {
        error_code ec;
        EXPECT_FALSE(reservation.take(ec));
        EXPECT_EQ(ec, errc::block_exhausted);
        EXPECT_EQ(reservation.reclaim(), 0u);
        EXPECT_EQ(reservation.statistics().ports.draining, 1u);
        EXPECT_EQ(reservation.statistics().ports.total(), 1u);
    }
    static void expect_full(port_reservation& reservation) {
        EXPECT_EQ(reservation.statistics().ports.available, 1u);
        EXPECT_EQ(reservation.statistics().ports.total(), 1u);
    }
};
BERTH_TRAPS_BY_PARKING(trap_dups);

TEST_P(trap_dups, the_port_comes_back_when_its_duplicate_is_closed_and_not_before) {
    for (const auto protocol : {transport::udp, transport::tcp}) {
        for (const auto use : {tcp_use::listen, tcp_use::connect}) {
            auto reservation = reserve(protocol, address_family::dual, use);
            descriptor copy = leave_a_duplicate(reservation);
            expect_kept_back(reservation);
            descriptor second(::dup(copy));
            copy.close();
            expect_kept_back(reservation);
            second.close();
            EXPECT_EQ(reservation.reclaim(), 1u);
            expect_full(reservation);
            second = leave_a_duplicate(reservation);
            second.close();
            auto port = take(reservation);  // without reclaim: a take that finds nothing looks by itself
            EXPECT_TRUE(port);
        }
    }
}

// The owner closes the descriptor it was lent, and the number then names another port's socket: it must be looked at.
TEST_P(trap_dups, a_duplicate_under_a_number_that_was_a_session_sockets_is_found) {
    auto reservation = reserve(transport::udp, address_family::ipv4, tcp_use::listen, 2);
    auto lent = take(reservation);
    error_code ec;
    const int own = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    berth::associate(own, reservation.token(), ec);
    ASSERT_FALSE(ec) << ec.message();
    berth::bind(own, berth::bind_endpoint{}, ec);
    ASSERT_FALSE(ec) << ec.message();
    descriptor hidden(::dup2(own, lent.native_handle()));
    berth::give_back(own, ec);
    ASSERT_FALSE(ec) << ec.message();
    EXPECT_FALSE(reservation.take(ec));
    EXPECT_EQ(ec, errc::block_exhausted);
    hidden.close();
    EXPECT_TRUE(take(reservation));
}

TEST_P(trap_dups, what_a_duplicate_left_queued_does_not_reach_the_next_owner) {
    for (const auto family : families) {
        auto reservation = reserve(transport::udp, family);
        descriptor copy = leave_a_duplicate(reservation);
        const auto number = reservation.block().first;
        EXPECT_EQ(hears(copy, speakers(family).front(), number), "") << "it is the old session's still";
        say(speakers(family).front(), number, "stale");
        ASSERT_TRUE(becomes(copy, POLLIN, 1000));
        copy.close();
        auto port = take(reservation);
        EXPECT_EQ(next_datagram(port.io_handle(), 0), "nothing");
        for (const int speaker : speakers(family)) EXPECT_EQ(hears(port.io_handle(), speaker, number), "");
    }
}

TEST_P(trap_dups, what_a_duplicate_connected_or_shut_down_is_made_good) {
    for (const auto family : families) {
        auto reservation = reserve(transport::udp, family);
        descriptor copy = leave_a_duplicate(reservation);
        const auto peer = loopback_for(family, speakers(family).front(), 9);
        ASSERT_EQ(::connect(copy, peer.get(), peer.size), 0);
        ASSERT_EQ(::shutdown(copy, SHUT_RDWR), 0);
        copy.close();
        auto port = take(reservation);
        for (const int speaker : speakers(family)) EXPECT_EQ(hears(port.io_handle(), speaker, port.port()), "");
        EXPECT_EQ(reservation.statistics().renewed, 1u);
    }
}

TEST_P(trap_dups, a_duplicate_of_a_listener_accepts_and_stops_listening_without_harm) {
    for (const auto family : families) {
        auto reservation = reserve(transport::tcp, family);
        descriptor copy = leave_a_duplicate(reservation);
        const auto number = reservation.block().first;
        EXPECT_EQ(serves(copy, speakers(family).front(), number), "");
        const descriptor waiting = client(speakers(family).front(), number);
        ASSERT_TRUE(becomes(waiting, POLLOUT, 1000));
        descriptor second(::dup(copy));
        copy.close();
        ASSERT_EQ(::shutdown(second, SHUT_RDWR), 0);
        second.close();
        auto port = take(reservation);
        EXPECT_FALSE(becomes(port.io_handle(), POLLIN, 20));
        for (const int speaker : speakers(family)) EXPECT_EQ(serves(port.io_handle(), speaker, number), "");
    }
}

TEST_P(trap_dups, a_duplicate_that_connected_does_not_decide_whom_the_next_owner_talks_to) {
    auto reservation = reserve(transport::tcp, address_family::dual, tcp_use::connect);
    const descriptor wrong = listener(AF_INET6), right = listener(AF_INET6);
    descriptor copy = leave_a_duplicate(reservation);
    ASSERT_EQ(connect_within(copy, loopback_for(address_family::dual, AF_INET, port_of(wrong)), 1000), 0);
    copy.close();
    auto port = take(reservation);
    ASSERT_EQ(connect_within(port.io_handle(), loopback_for(address_family::dual, AF_INET6, port_of(right)), 1000),
              0);
    EXPECT_TRUE(becomes(right, POLLIN, 1000));
}

// A copy in another process is out of sight: said in `limits`, and the port goes on.
TEST_P(trap_dups, a_duplicate_in_a_forked_child_is_named_as_a_limit) {
    const auto limits = berth::query_capabilities(GetParam()).limits;
    EXPECT_TRUE(std::any_of(limits.begin(), limits.end(), [](const std::string& sentence) {
        return sentence.find("another process") != sentence.npos && sentence.find("fork") != sentence.npos;
    }));
    auto reservation = reserve(transport::udp, address_family::ipv4);
    auto port = take(reservation);
    error_code ec;
    descriptor copy(port.duplicate(ec));
    doomed_process child([](int) -> std::uint16_t { return 1; });
    ASSERT_EQ(child.hear(), 1);
    give_back(port);
    copy.close();
    port = take(reservation);
    EXPECT_EQ(hears(port.io_handle(), AF_INET, port.port()), "");
    child.kill();
    EXPECT_EQ(hears(port.io_handle(), AF_INET, port.port()), "");
}

// A spoilt port is another matter: its socket must be gone before the next is bound, in whichever process it lives.
TEST_P(trap_dups, a_spoilt_socket_that_a_child_still_names_is_replaced_after_the_child) {
    auto reservation = reserve(transport::udp, address_family::ipv4);
    auto port = take(reservation);
    const auto peer = loopback4(9);
    ASSERT_EQ(::connect(port.native_handle(), name(peer), sizeof peer), 0);
    ASSERT_EQ(::shutdown(port.native_handle(), SHUT_RDWR), 0);
    doomed_process child([](int) -> std::uint16_t { return 1; });
    ASSERT_EQ(child.hear(), 1);
    give_back(port);
    error_code ec;
    EXPECT_FALSE(reservation.take(ec));
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_EQ(reservation.statistics().ports.condemned, 1u);
    child.kill();
    port = take(reservation);
    EXPECT_EQ(hears(port.io_handle(), AF_INET, port.port()), "");
}

TEST_P(trap_dups, a_duplicate_that_outlives_the_release_is_found_by_the_next_reserve) {
    for (const auto protocol : {transport::udp, transport::tcp}) {
        for (const auto use : {tcp_use::listen, tcp_use::connect}) {
            auto reservation = reserve(protocol, address_family::dual, use);
            auto request = ask(protocol, address_family::dual, use);
            request.block = reservation.block();
            descriptor copy = leave_a_duplicate(reservation);
            reservation.release();
            berth::failure f;
            auto again = port_reservation::reserve(request, f);
            EXPECT_FALSE(again);
            EXPECT_EQ(f.code, errc::block_unavailable);
            EXPECT_NE(f.what.find("inode " + std::to_string(inode_of(copy))), f.what.npos) << f.what;
            copy.close();
            again = port_reservation::reserve(request, f);
            EXPECT_TRUE(again) << f.what;
        }
    }
}

}  // namespace
