// What is left of Asio's vocabulary: waits, synchronous calls, options, descriptors, listeners out of a block.
#include <berth/port_reservation.hpp>

#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;

class tcp_synchronous : public tcp_by_backend {};
BERTH_BY_BACKEND(tcp_synchronous);

TEST_P(tcp_synchronous, waits_tell_readable_from_writable) {
    auto [local_end, remote_end] = connected();
    bool readable = false, writable = false;
    local_end.async_wait(tcp_socket::wait_read, [&](error_code ec) { readable = !ec; });
    local_end.async_wait(tcp_socket::wait_write, [&](error_code ec) { writable = !ec; });
    context().run_for(5ms);
    EXPECT_TRUE(writable);
    EXPECT_FALSE(readable);
    remote_end.send(asio::buffer("x", 1));
    run();
    EXPECT_TRUE(readable);
    EXPECT_EQ(local_end.available(), 1u);
}

TEST_P(tcp_synchronous, synchronous_calls_wait_unless_told_not_to) {
    auto [local_end, remote_end] = connected();
    char data[1];
    error_code ec;
    local_end.non_blocking(true);
    local_end.read_some(asio::buffer(data), ec);
    EXPECT_EQ(ec, asio::error::would_block);
    local_end.non_blocking(false);
    std::thread later([&, &end = remote_end] {
        std::this_thread::sleep_for(10ms);
        end.send(asio::buffer("x", 1));
    });
    EXPECT_EQ(local_end.read_some(asio::buffer(data)), 1u);
    later.join();
}

TEST_P(tcp_synchronous, options_are_set_and_read) {
    auto [local_end, remote_end] = connected();
    local_end.set_option(tcp::no_delay(true));
    tcp::no_delay no_delay;
    local_end.get_option(no_delay);
    EXPECT_TRUE(no_delay.value());
    EXPECT_EQ(local_end.remote_endpoint(), remote_end.local_endpoint());
}

TEST_P(tcp_synchronous, release_hands_the_descriptor_to_asio_itself) {
    auto [local_end, remote_end] = connected();
    asio::io_context foreign;
    asio::ip::tcp::socket theirs(foreign, tcp::v4(), local_end.release());
    EXPECT_FALSE(local_end.is_open());
    remote_end.send(asio::buffer("x", 1));
    char data[1];
    EXPECT_EQ(asio::read(theirs, asio::buffer(data)), 1u);
}

TEST_P(tcp_synchronous, a_listener_out_of_a_block_serves_and_goes_back) {
    berth::reservation_request request;
    request.block = {0, 2};
    request.protocol = berth::transport::tcp;
    request.family = berth::address_family::ipv4;
    auto ports = berth::port_reservation::reserve(request);
    for (int round = 0; round < 5; ++round) {
        auto listener = ports.take<tcp_acceptor>(context().get_executor());
        tcp_socket client(context());
        int accepted = 0;
        listener->async_accept([&](error_code ec, tcp_socket) { accepted += !ec; });
        client.async_connect({asio::ip::address_v4::loopback(), listener.port()},
                             [](error_code ec) { EXPECT_FALSE(ec); });
        run();
        EXPECT_EQ(accepted, 1);
        error_code ec;
        listener.give_back(ec);
        EXPECT_FALSE(ec) << ec.message();
    }
    EXPECT_EQ(ports.statistics().condemned, 0u);
    EXPECT_EQ(ports.statistics().ports.available, 2u);
}

}  // namespace
