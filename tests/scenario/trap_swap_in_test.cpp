// Traps of a caller's descriptor that becomes a session socket: event queues, flags, families.
//
// An event queue that was told of the descriptor must not hear of a later session, even if nobody told it of the end.
#include "scenario/trap_ground.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace {

using namespace traps;

class trap_swap_in : public by_parking {
protected:
    static void SetUpTestSuite() { berth::set_log_sink(nullptr); }

    void SetUp() override {
        queue_ = descriptor(::epoll_create1(EPOLL_CLOEXEC));
        ASSERT_GE(queue_, 0);
    }
    void watch(int fd) {
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLET;
        event.data.fd = fd;
        ASSERT_EQ(::epoll_ctl(queue_, EPOLL_CTL_ADD, fd, &event), 0) << strerror(errno);
    }
    // True if the queue reports anything for the descriptor within the time; older events are taken out first.
    bool reports(int milliseconds) {
        epoll_event event{};
        return ::epoll_wait(queue_, &event, 1, milliseconds) > 0;
    }
    void forget_events() {
        while (reports(0)) {
        }
    }
    descriptor bind_own(port_reservation& reservation, int family = AF_INET6, int type = SOCK_DGRAM) {
        descriptor own = make_socket(family, type);
        bind_it(reservation, own, family);
        return own;
    }
    static void bind_it(port_reservation& reservation, int own, int family = AF_INET6) {
        error_code ec;
        berth::associate(own, reservation.token(), ec);
        ASSERT_FALSE(ec) << ec.message();
        berth::failure f;
        berth::bind(own,
                    {family == AF_INET ? asio::ip::address(asio::ip::address_v4::any())
                                       : asio::ip::address(asio::ip::address_v6::any()),
                     0},
                    f);
        ASSERT_FALSE(f) << f.what;
    }
    // The next owner works, and the queue of the last one hears nothing of it.
    void expect_next_is_unheard(port_reservation& reservation) {
        auto port = take(reservation);
        forget_events();
        EXPECT_EQ(hears(port.io_handle(), AF_INET6, port.port()), "");
        EXPECT_EQ(hears(port.io_handle(), AF_INET, port.port()), "");
        EXPECT_FALSE(reports(20)) << "the next owner's events reach the old queue";
        EXPECT_TRUE(is_set_nonblocking(port.io_handle()));
        give_back(port);
        EXPECT_EQ(reservation.statistics().ports.available, 1u);
    }

    descriptor queue_;
};
BERTH_TRAPS_BY_PARKING(trap_swap_in);

TEST_P(trap_swap_in, a_descriptor_that_was_in_an_event_queue_brings_no_stale_events) {
    auto reservation = reserve(transport::udp);
    {
        descriptor own = make_socket(AF_INET6, SOCK_DGRAM);
        watch(own);  // wrongly: before bind
        bind_it(reservation, own);
        forget_events();
        EXPECT_EQ(hears(own, AF_INET6, port_of(own)), "");
        EXPECT_FALSE(reports(20)) << "the registration was the old socket's, and went with it";
    }
    expect_next_is_unheard(reservation);
    EXPECT_EQ(reservation.statistics().condemned, 0u);
}

TEST_P(trap_swap_in, a_descriptor_closed_without_leaving_its_event_queue_condemns_the_socket) {
    auto reservation = reserve(transport::udp);
    {
        const descriptor own = bind_own(reservation);
        watch(own);
        EXPECT_EQ(hears(own, AF_INET6, port_of(own)), "");
        EXPECT_TRUE(reports(1000));
    }
    expect_next_is_unheard(reservation);
    EXPECT_EQ(reservation.statistics().condemned, 1u);
    EXPECT_EQ(reservation.statistics().renewed, 1u);
}

TEST_P(trap_swap_in, given_back_without_leaving_its_event_queue_condemns_the_socket_as_well) {
    auto reservation = reserve(transport::udp);
    descriptor own = bind_own(reservation);
    watch(own);
    const int number =
        ::fcntl(own, F_DUPFD_CLOEXEC, 0);  // the same socket by another name: given back, closed by berth
    error_code ec;
    own.close();
    berth::give_back(number, ec);
    ASSERT_FALSE(ec) << ec.message();
    expect_next_is_unheard(reservation);
    EXPECT_EQ(reservation.statistics().renewed, 1u);
}

TEST_P(trap_swap_in, a_duplicate_closed_without_leaving_its_event_queue_condemns_the_socket) {
    auto reservation = reserve(transport::udp);
    auto port = take(reservation);
    error_code ec;
    {
        const descriptor copy(port.duplicate(ec));
        watch(copy);
    }
    give_back(port);
    expect_next_is_unheard(reservation);
    EXPECT_EQ(reservation.statistics().renewed, 1u);
}

TEST_P(trap_swap_in, an_event_queue_that_is_left_in_order_costs_nothing) {
    auto reservation = reserve(transport::udp);
    {
        const descriptor own = bind_own(reservation);
        watch(own);
        ASSERT_EQ(::epoll_ctl(queue_, EPOLL_CTL_DEL, own, nullptr), 0);
    }
    expect_next_is_unheard(reservation);
    EXPECT_EQ(reservation.statistics().condemned, 0u);
}

TEST_P(trap_swap_in, many_ports_left_in_an_event_queue_all_come_back) {
    auto reservation = reserve(transport::tcp, address_family::dual, tcp_use::listen, 32);
    for (int i = 0; i < 32; ++i) watch(bind_own(reservation, AF_INET6, SOCK_STREAM));
    EXPECT_EQ(reservation.reclaim(), 32u);
    const auto books = reservation.statistics();
    EXPECT_EQ(books.ports.available, 32u);
    EXPECT_EQ(books.renewed, 32u);
    forget_events();
    auto port = take(reservation);
    EXPECT_EQ(serves(port.io_handle(), AF_INET, port.port()), "");
    EXPECT_FALSE(reports(20));
}

TEST_P(trap_swap_in, blocking_mode_is_as_the_caller_had_it_and_the_next_owners_is_not) {
    for (const bool nonblocking : {false, true}) {
        auto reservation = reserve(transport::udp);
        {
            const descriptor own(
                ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0));
            set_int(own, IPPROTO_IPV6, IPV6_V6ONLY, 0);
            bind_it(reservation, own);
            EXPECT_EQ(is_set_nonblocking(own), nonblocking);
        }
        expect_next_is_unheard(reservation);
    }
}

TEST_P(trap_swap_in, an_ipv4_socket_does_not_fit_a_dual_block) {
    for (const auto protocol : {transport::udp, transport::tcp}) {
        auto reservation = reserve(protocol);
        const descriptor own = make_socket(AF_INET, protocol == transport::udp ? SOCK_DGRAM : SOCK_STREAM);
        error_code ec;
        berth::associate(own, reservation.token(), ec);
        EXPECT_EQ(ec, errc::family_mismatch);
        const descriptor only(::socket(AF_INET6, protocol == transport::udp ? SOCK_DGRAM : SOCK_STREAM, 0));
        set_int(only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        berth::associate(only, reservation.token(), ec);
        EXPECT_EQ(ec, errc::family_mismatch);
        EXPECT_EQ(reservation.statistics().ports.available, 1u);
    }
}

}  // namespace
