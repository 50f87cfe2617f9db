// Traps of Asio objects on reserved ports: pending operations, sockets moved out of their handle or closed in it.
#include "scenario/trap_ground.hpp"

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <optional>

namespace {

using namespace traps;
using asio::ip::tcp;
using asio::ip::udp;

std::ptrdiff_t open_descriptors() { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); }

class trap_asio : public by_parking {
protected:
    // The block has all its ports again, and the next owner hears strangers.
    void expect_whole(port_reservation& reservation, std::uint64_t renewed) {
        auto port = take(reservation);
        EXPECT_EQ(next_datagram(port.io_handle(), 0), "nothing");
        for (const int speaker : {AF_INET, AF_INET6}) EXPECT_EQ(hears(port.io_handle(), speaker, port.port()), "");
        give_back(port);
        const auto books = reservation.statistics();
        EXPECT_EQ(books.ports.available, 1u);
        EXPECT_EQ(books.condemned, renewed);
        EXPECT_EQ(books.renewed, renewed);
    }
    berth::bound<udp::socket> take_udp(port_reservation& reservation) {
        error_code ec;
        auto socket = reservation.take<udp::socket>(context_.get_executor(), ec);
        EXPECT_FALSE(ec) << ec.message();
        return socket;
    }
    void run() {
        context_.restart();
        context_.run_for(std::chrono::milliseconds(100));
    }

    asio::io_context context_;
    char buffer_[16] = {};
};
BERTH_TRAPS_BY_PARKING(trap_asio);

TEST_P(trap_asio, an_operation_pending_at_bind_is_aborted_and_the_socket_hears_afterwards) {
    auto reservation = reserve(transport::udp, address_family::ipv4);
    udp::socket own(context_, udp::v4());
    std::optional<error_code> pending, heard;
    own.async_wait(udp::socket::wait_read, [&](error_code ec) { pending = ec; });
    berth::associate(own, reservation.token());
    berth::bind(own, {asio::ip::address_v4::any(), 0});
    run();
    EXPECT_EQ(pending, asio::error::operation_aborted);
    own.async_receive(asio::buffer(buffer_), [&](error_code ec, std::size_t) { heard = ec; });
    say(AF_INET, own.local_endpoint().port(), "hello");
    run();
    EXPECT_TRUE(heard && !*heard);
}

TEST_P(trap_asio, an_operation_pending_at_give_back_is_aborted_and_hears_nothing_of_the_next_session) {
    auto reservation = reserve(transport::udp);
    auto socket = take_udp(reservation);
    std::optional<error_code> pending;
    std::size_t size = 0;
    socket->async_receive(asio::buffer(buffer_), [&](error_code ec, std::size_t n) { pending = ec, size = n; });
    error_code ec;
    socket.give_back(ec);
    EXPECT_FALSE(ec);
    expect_whole(reservation, 0);
    run();
    EXPECT_EQ(pending, asio::error::operation_aborted);
    EXPECT_EQ(size, 0u);
}

TEST_P(trap_asio, a_socket_closed_inside_its_handle_is_replaced) {
    auto reservation = reserve(transport::udp);
    {
        auto socket = take_udp(reservation);
        socket->close();
    }
    expect_whole(reservation, 1);
}

TEST_P(trap_asio, a_socket_moved_out_of_its_handle_keeps_the_port_until_it_closes) {
    auto reservation = reserve(transport::udp);
    auto socket = take_udp(reservation);
    const auto number = socket.port();
    udp::socket moved = std::move(*socket);
    error_code ec;
    socket.give_back(ec);
    EXPECT_EQ(reservation.reclaim(), 0u);
    EXPECT_EQ(reservation.statistics().ports.condemned, 1u);
    EXPECT_FALSE(reservation.take(ec));
    EXPECT_EQ(ec, errc::block_exhausted) << "the next owner would share it";
    EXPECT_EQ(hears(moved.native_handle(), AF_INET6, number), "") << "it is the holder's of the socket still";
    moved.close();
    expect_whole(reservation, 1);
}

TEST_P(trap_asio, another_socket_moved_into_the_handle_is_closed_and_the_ports_own_replaced) {
    auto reservation = reserve(transport::udp);
    {
        auto socket = take_udp(reservation);
        udp::socket stranger(context_, udp::v6());
        *socket = std::move(stranger);
    }
    expect_whole(reservation, 1);
}

TEST_P(trap_asio, a_socket_opened_anew_under_the_same_number_is_not_taken_for_the_ports_own) {
    auto reservation = reserve(transport::udp);
    std::ptrdiff_t descriptors = 0;
    for (int i = 0; i < 3; ++i) {
        {
            auto socket = take_udp(reservation);
            socket->close();
            socket->open(udp::v6());
        }
        expect_whole(reservation, static_cast<std::uint64_t>(i) + 1);
        if (i == 0) descriptors = open_descriptors();
    }
    EXPECT_EQ(open_descriptors(), descriptors);
}

TEST_P(trap_asio, a_listener_closed_or_moved_out_is_replaced) {
    auto reservation = reserve(transport::tcp);
    for (const bool move : {false, true}) {
        error_code ec;
        auto acceptor = reservation.take<tcp::acceptor>(context_.get_executor(), ec);
        ASSERT_FALSE(ec) << ec.message();
        {
            tcp::acceptor moved(context_);
            if (move) moved = std::move(*acceptor);
            acceptor->close();
        }
        acceptor.give_back(ec);
        auto port = take(reservation);
        for (const int speaker : {AF_INET, AF_INET6}) EXPECT_EQ(serves(port.io_handle(), speaker, port.port()), "");
    }
    EXPECT_EQ(reservation.statistics().renewed, 2u);
}

TEST_P(trap_asio, a_socket_released_from_asio_and_left_open_is_not_the_next_owners) {
    auto reservation = reserve(transport::udp);
    auto socket = take_udp(reservation);
    error_code ec;
    descriptor released(socket->release(ec));
    ASSERT_FALSE(ec);
    socket.give_back(ec);
    EXPECT_FALSE(reservation.take(ec));
    released.close();
    expect_whole(reservation, 1);
}

}  // namespace
