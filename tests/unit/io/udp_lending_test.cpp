// Datagrams that are lent, with what the system says of them, and runs that leave in one call.
#include <berth/port_reservation.hpp>
#include <berth/udp_writer.hpp>

#include <asio.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <berth/detail/datagram_control.hpp>

#include "support/sockets.hpp"
#include "unit/io/udp_lending.hpp"

namespace {

using namespace io_test;

BERTH_BY_BACKEND(udp_lending);

TEST_P(udp_lending, each_datagram_comes_with_its_source) {
    udp_socket server(context(), any_udp_port), one(context(), any_udp_port), two(context(), any_udp_port);
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

// Of a message its holder keeps what is behind the head, sends it on, or gives it back on another thread, which writes
// into it: with 4 buffers of 512 bytes, none may be lost and none written past.
TEST_P(udp_lending, a_part_of_a_buffer_is_kept_and_goes_on_or_back) {
    context_ = std::make_unique<berth::io_context>(
        berth::io_context_options{.backend = GetParam(), .lent_buffer_size = 512, .lent_buffer_count = 4});
    constexpr std::size_t head = 12;
    for (const std::size_t kept : {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{400}}) {
        SCOPED_TRACE(kept);
        std::string message(head + kept, 'h');
        for (std::size_t i = 0; i < kept; ++i) message[head + i] = static_cast<char>(i);
        std::vector<std::thread> elsewhere;
        std::size_t heard = 0, passed_on = 0;
        const std::string tail = message.substr(head);
        {
            udp_socket in(context(), udp::endpoint(udp::v4(), 0)), out(context(), udp::endpoint(udp::v4(), 0));
            udp_socket last(context(), udp::endpoint(udp::v4(), 0));
            const udp::endpoint to_in(asio::ip::address_v4::loopback(), in.local_endpoint().port());
            const udp::endpoint to_last(asio::ip::address_v4::loopback(), last.local_endpoint().port());
            berth::udp_writer writer(out);
            in.async_receive_each([&](error_code ec, berth::datagram d) {
                if (ec) return;
                ++heard;
                d.payload.keep(head / 2, d.payload.size() - head / 2);
                d.payload.keep(head / 2, kept);
                EXPECT_EQ(text_of(d), tail);
                if (heard % 2 == 0)
                    writer.send(std::move(d.payload), to_last);
                else
                    elsewhere.emplace_back([b = std::move(d.payload)]() mutable { b.give_back(); });
            });
            last.async_receive_each([&](error_code ec, berth::datagram d) {
                if (ec) return;
                ++passed_on;
                EXPECT_EQ(text_of(d), tail);
            });
            for (std::size_t i = 1; i <= 40; ++i) {
                out.send_to(asio::buffer(message), to_in);
                for (int turn = 0; turn < 250 && (heard < i || passed_on < i / 2); ++turn) {
                    context().restart();
                    context().run_one_for(20ms);
                }
            }
        }
        for (auto& t : elsewhere) t.join();
        EXPECT_EQ(heard, 40u);
        EXPECT_EQ(passed_on, 20u);
        context().restart();
        context().run_for(1ms);
    }
}

TEST_P(udp_lending, what_does_not_fit_is_marked) {
    udp_socket server(context(), any_udp_port), client(context(), any_udp_port);
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
    udp_socket server(context(), udp::endpoint(asio::ip::address_v4::any(), 0)), client(context(), any_udp_port);
    server.receive_details(datagram_details::destination | datagram_details::traffic_class);
    client.set_option(type_of_service(0xb8 | 1));
    const auto where = asio::ip::make_address("127.0.0.77");
    client.send_to(asio::buffer("text", 4), udp::endpoint(where, server.local_endpoint().port()));
    const auto all = receive(server, 1);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].destination, where);
    EXPECT_EQ(text_of(all[0]), "text");
    if (berth::test::wine() != nullptr) GTEST_SKIP() << "Wine takes the question for traffic classes and answers none";
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
    udp_socket four(context(), any_udp_port), six(context(), udp::endpoint(asio::ip::address_v6::loopback(), 0));
    four.set_option(type_of_service(2));
    four.send_to(asio::buffer("4", 1), udp::endpoint(asio::ip::address_v4::loopback(), port));
    six.send_to(asio::buffer("6", 1), udp::endpoint(asio::ip::address_v6::loopback(), port));
    const auto all = receive(server, 2);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[1].destination, asio::ip::address_v6::loopback());
    if (berth::test::wine() != nullptr) GTEST_SKIP() << "Wine says an IPv4 destination in its own form, and no class";
    EXPECT_EQ(all[0].destination, asio::ip::make_address("::ffff:127.0.0.1"));
    EXPECT_EQ(all[0].congestion_mark(), berth::ecn::capable_0);
    EXPECT_EQ(all[1].destination, asio::ip::address_v6::loopback());
}

TEST_P(udp_lending, joined_datagrams_need_room_and_are_told_apart) {
    if (!berth::detail::may_cut_datagrams()) GTEST_SKIP() << "this system neither cuts nor joins datagrams";
    udp_socket small(context(), any_udp_port);
    error_code ec;
    small.receive_details(datagram_details::joined, ec);
    EXPECT_EQ(ec, std::errc::no_buffer_space);
    small.close();

    large_buffers();
    udp_socket server(context(), any_udp_port), client(context(), any_udp_port);
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
        udp_socket client(context(), any_udp_port);
        if (round == 0) server->receive_details(datagram_details::destination | datagram_details::traffic_class);
        client.send_to(asio::buffer("text", 4), udp::endpoint(asio::ip::address_v4::loopback(), server.port()));
        std::vector<datagram> all;
        // As if it had been asked: nothing may come.
        if (round == 1) {
            int on = 1;
            asio::detail::socket_option::integer<ASIO_OS_DEF(IPPROTO_IP), IP_PKTINFO> packet_info(on);
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
