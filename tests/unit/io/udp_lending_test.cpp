// Datagrams that are lent, with what the system says of them, and runs that leave in one call.
#include <berth/port_reservation.hpp>
#include <berth/udp_writer.hpp>

#include <asio.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "unit/io/udp_lending.hpp"

namespace {

using namespace io_test;

BERTH_BY_BACKEND(udp_lending);

TEST_P(udp_lending, each_datagram_comes_with_its_source) {
    udp_socket server(context(), anywhere), one(context(), anywhere), two(context(), anywhere);
    one.send_to(asio::buffer("first", 5), server.local_endpoint());
    two.send_to(asio::const_buffer(), server.local_endpoint());
    one.send_to(asio::buffer("third", 5), server.local_endpoint());
    const auto from_one = one.local_endpoint(), from_two = two.local_endpoint();
    const auto all = receive(server, 3);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(text_of(all[0]), "first");
    EXPECT_EQ(all[0].source, from_one);
    EXPECT_TRUE(all[1].payload && all[1].payload.empty()) << "an empty datagram is one";
    EXPECT_EQ(all[1].source, from_two);
    EXPECT_EQ(text_of(all[2]), "third");
    EXPECT_TRUE(all[0].destination.is_unspecified()) << "it was not asked for";
}

TEST_P(udp_lending, what_does_not_fit_is_marked) {
    udp_socket server(context(), anywhere), client(context(), anywhere);
    client.send_to(asio::buffer(std::string(9000, 'x')), server.local_endpoint());
    client.send_to(asio::buffer(std::string(3000, 'y')), server.local_endpoint());
    const auto all = receive(server, 2);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_TRUE(all[0].is_truncated);
    EXPECT_GE(all[0].payload.size(), 3900u);
    EXPECT_FALSE(all[1].is_truncated);
    EXPECT_EQ(all[1].payload.size(), 3000u);
}

TEST_P(udp_lending, destination_and_congestion_mark_are_said) {
    udp_socket server(context(), udp::endpoint(asio::ip::address_v4::any(), 0)), client(context(), anywhere);
    server.receive_details(datagram_details::destination | datagram_details::traffic_class);
    client.set_option(type_of_service(0xb8 | 1));
    const auto where = asio::ip::make_address("127.0.0.77");
    client.send_to(asio::buffer("text", 4), udp::endpoint(where, server.local_endpoint().port()));
    const auto all = receive(server, 1);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].destination, where);
    EXPECT_EQ(all[0].traffic_class, 0xb8 | 1);
    EXPECT_EQ(all[0].congestion_mark(), berth::ecn::capable_1);
    EXPECT_EQ(text_of(all[0]), "text");
}

TEST_P(udp_lending, a_dual_stack_socket_says_both_families) {
    udp_socket server(context());
    server.open(udp::v6());
    server.set_option(asio::ip::v6_only(false));
    server.bind(udp::endpoint(asio::ip::address_v6::any(), 0));
    server.receive_details(datagram_details::destination | datagram_details::traffic_class);
    const auto port = server.local_endpoint().port();
    udp_socket four(context(), anywhere), six(context(), udp::endpoint(asio::ip::address_v6::loopback(), 0));
    four.set_option(type_of_service(2));
    four.send_to(asio::buffer("4", 1), udp::endpoint(asio::ip::address_v4::loopback(), port));
    six.send_to(asio::buffer("6", 1), udp::endpoint(asio::ip::address_v6::loopback(), port));
    const auto all = receive(server, 2);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].destination, asio::ip::make_address("::ffff:127.0.0.1"));
    EXPECT_EQ(all[0].congestion_mark(), berth::ecn::capable_0);
    EXPECT_EQ(all[1].destination, asio::ip::address_v6::loopback());
}

TEST_P(udp_lending, joined_datagrams_need_room_and_are_told_apart) {
    udp_socket small(context(), anywhere);
    error_code ec;
    small.receive_details(datagram_details::joined, ec);
    EXPECT_EQ(ec, std::errc::no_buffer_space);
    small.close();

    large_buffers();
    udp_socket server(context(), anywhere), client(context(), anywhere);
    server.receive_details(datagram_details::joined);
    udp_writer w(client);
    asio::post(context(), [&] {
        for (int i = 0; i < 5; ++i)
            w.send(asio::buffer(std::string(100, static_cast<char>('a' + i))), server.local_endpoint());
        w.send(asio::buffer("tail", 4), server.local_endpoint());
    });
    std::string heard;
    std::size_t count = 0, buffers = 0;
    server.async_receive_each([&](error_code e, datagram d) {
        if (e) return;
        ++buffers;
        for (std::size_t i = 0; i < d.count(); ++i) {
            const auto piece = d.segment(i);
            heard.append(static_cast<const char*>(piece.data()), piece.size());
            heard += '|';
        }
        count += d.count();
        if (count == 6) server.close();
    });
    run();
    EXPECT_EQ(count, 6u);
    EXPECT_EQ(buffers, 1u) << "a run that was sent in one call arrives as one";
    EXPECT_TRUE(heard.ends_with("eee|tail|"));
}

TEST_P(udp_lending, what_a_reservations_socket_was_asked_is_undone_when_its_port_is_given_back) {
    auto block = berth::port_reservation::reserve(
        {.block = {.count = 1}, .protocol = berth::transport::udp, .family = berth::address_family::ipv4});
    for (int round = 0; round < 2; ++round) {
        auto server = block.take<udp_socket>(context().get_executor());
        udp_socket client(context(), anywhere);
        if (round == 0) server->receive_details(datagram_details::destination | datagram_details::traffic_class);
        client.send_to(asio::buffer("text", 4), udp::endpoint(asio::ip::address_v4::loopback(), server.port()));
        std::vector<datagram> all;
        // As if it had been asked: nothing may come.
        if (round == 1) {
            int on = 1;
            asio::detail::socket_option::integer<ASIO_OS_DEF(IPPROTO_IP), 8> packet_info(on);  // IP_PKTINFO
            server->get_option(packet_info);
            EXPECT_EQ(packet_info.value(), 0);
        }
        server->async_receive_each([&](error_code ec, datagram d) {
            if (ec) return;
            all.push_back(std::move(d));
            server->cancel();
        });
        run();
        ASSERT_EQ(all.size(), 1u);
        EXPECT_EQ(all[0].destination.is_unspecified(), round == 1);
    }
}

}  // namespace
