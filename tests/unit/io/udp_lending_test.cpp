// Datagrams that are lent, with what the system says of them, and runs that leave in one call.
#include <berth/port_reservation.hpp>
#include <berth/udp_writer.hpp>

#include <asio.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "unit/io/by_backend.hpp"

namespace {

using namespace io_test;
using asio::ip::udp;
using berth::datagram;
using berth::datagram_details;
using berth::udp_socket;
using berth::udp_writer;

const udp::endpoint anywhere(asio::ip::address_v4::loopback(), 0);
using type_of_service = asio::detail::socket_option::integer<ASIO_OS_DEF(IPPROTO_IP), 1>;  // IP_TOS

std::string text_of(const datagram& d) { return {static_cast<const char*>(d.payload.data()), d.payload.size()}; }

class udp_lending : public by_backend {
protected:
    void large_buffers() {
        context_ = std::make_unique<berth::io_context>(
            berth::io_context_options{.backend = GetParam(), .lent_buffer_size = 66'000, .lent_buffer_count = 8});
    }
    /// Receives until `count` came, then closes.
    std::vector<datagram> receive(udp_socket& socket, std::size_t count) {
        std::vector<datagram> all;
        socket.async_receive_each([&](error_code ec, datagram d) {
            if (ec) return;
            all.push_back(std::move(d));
            if (all.size() == count) socket.close();
        });
        run();
        return all;
    }
};
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

TEST_P(udp_lending, runs_to_one_destination_leave_in_one_call) {
    udp_socket server(context(), anywhere), other(context(), anywhere), client(context(), anywhere);
    const auto to = server.local_endpoint(), elsewhere = other.local_endpoint();
    udp_writer w(client);
    asio::post(context(), [&] {
        for (int i = 0; i < 10; ++i) w.send(asio::buffer(std::string(64, static_cast<char>('a' + i))), to);
        w.send(asio::buffer(std::string(64, 'k')), elsewhere);
        for (int i = 0; i < 3; ++i) w.send(asio::buffer(std::string(static_cast<std::size_t>(64 + i), 'l')), to);
        w.send(asio::const_buffer(), to);
    });
    const auto all = receive(server, 14);
    ASSERT_EQ(all.size(), 14u);
    for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(text_of(all[i]), std::string(64, static_cast<char>('a' + i)));
    EXPECT_TRUE(all[13].payload.empty());
    EXPECT_EQ(receive(other, 1).size(), 1u);
    EXPECT_EQ(w.counts().sent, 15u);
    EXPECT_EQ(w.counts().failed, 0u);
    EXPECT_EQ(w.counts().calls, 5u) << "eleven, one elsewhere, two that are longer, an empty one";
}

TEST_P(udp_lending, more_than_a_call_takes_is_several_and_order_is_kept) {
    udp_socket server(context(), anywhere), client(context(), anywhere);
    server.set_option(asio::socket_base::receive_buffer_size(4 << 20));
    udp_writer w(client);
    asio::post(context(), [&] {
        for (int i = 0; i < 100; ++i) w.send(asio::buffer("n" + std::to_string(100 + i)), server.local_endpoint());
    });
    const auto all = receive(server, 100);
    ASSERT_EQ(all.size(), 100u);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(text_of(all[static_cast<std::size_t>(i)]), "n" + std::to_string(100 + i));
    EXPECT_LT(w.counts().calls, 10u);
}

TEST_P(udp_lending, answers_to_a_crowd_leave_in_one_call_for_each_of_it) {
    constexpr std::size_t crowd = 100, rounds = 5;  // more than are gathered at a time
    std::vector<udp_socket> members;
    for (std::size_t m = 0; m < crowd; ++m) members.emplace_back(context(), anywhere);
    udp_socket client(context(), anywhere);
    udp_writer w(client);
    asio::post(context(), [&] {
        for (std::size_t round = 0; round < rounds; ++round)
            for (std::size_t m = 0; m < 20; ++m)
                w.send(asio::buffer(std::to_string(round)), members[m].local_endpoint());
    });
    run();
    EXPECT_EQ(w.counts().sent, 20 * rounds);
    EXPECT_LE(w.counts().calls, 40u) << "two that are in each other's way may take several each";
    asio::post(context(), [&] {
        for (std::size_t round = 0; round < rounds; ++round)
            for (auto& member : members) w.send(asio::buffer(std::to_string(round)), member.local_endpoint());
    });
    for (std::size_t m = 0; m < crowd; ++m) {
        const auto all = receive(members[m], m < 20 ? 2 * rounds : rounds);
        for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(text_of(all[i]), std::to_string(i % rounds));
    }
    EXPECT_EQ(w.counts().sent, (20 + crowd) * rounds);
    EXPECT_EQ(w.counts().failed, 0u);
}

TEST_P(udp_lending, where_the_system_does_not_cut_each_is_sent_by_itself) {
    udp_socket server(context(), anywhere), client(context(), anywhere);
    client.set_option(asio::detail::socket_option::integer<ASIO_OS_DEF(SOL_SOCKET), 11>(1));  // SO_NO_CHECK
    udp_writer w(client);
    const auto five = [&] {
        for (int i = 0; i < 5; ++i)
            w.send(asio::buffer(std::string(64, static_cast<char>('a' + i))), server.local_endpoint());
    };
    asio::post(context(), five);
    run();
    EXPECT_EQ(w.counts().sent, 5u);
    EXPECT_EQ(w.counts().calls, 5u);
    asio::post(context(), five);
    const auto all = receive(server, 10);
    ASSERT_EQ(all.size(), 10u);
    for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(text_of(all[i]), std::string(64, static_cast<char>('a' + i % 5)));
    EXPECT_EQ(w.counts().sent, 10u);
    EXPECT_EQ(w.counts().failed, 0u);
}

TEST_P(udp_lending, a_writer_may_be_told_never_to_join) {
    udp_socket server(context(), anywhere), client(context(), anywhere);
    udp_writer w(client, berth::segmentation::never);
    asio::post(context(), [&] {
        for (int i = 0; i < 5; ++i) w.send(asio::buffer(std::string(64, 'a')), server.local_endpoint());
    });
    EXPECT_EQ(receive(server, 5).size(), 5u);
    EXPECT_EQ(w.counts().calls, 5u);
}

TEST_P(udp_lending, an_echo_from_lent_buffers_answers_all) {
    udp_socket server(context(), anywhere), client(context(), anywhere);
    udp_writer answers(server);
    server.async_receive_each([&](error_code ec, datagram d) {
        if (!ec) answers.send(std::move(d.payload), d.source);
    });
    for (int i = 0; i < 50; ++i) client.send_to(asio::buffer("q" + std::to_string(i)), server.local_endpoint());
    std::vector<std::string> heard;
    client.async_receive_each([&](error_code ec, datagram d) {
        if (ec) return;
        heard.push_back(text_of(d));
        if (heard.size() == 50) server.close(), client.close();
    });
    run();
    ASSERT_EQ(heard.size(), 50u);
    EXPECT_EQ(heard.back(), "q49");
}

TEST_P(udp_lending, datagrams_that_are_refused_are_counted) {
    udp_socket client(context(), anywhere);
    udp_writer w(client);
    asio::post(context(), [&] {
        w.send(asio::buffer(std::string(66'000, 'x')), client.local_endpoint());
        w.send(asio::buffer("text", 4), udp::endpoint(asio::ip::make_address("::1"), 9));
    });
    run();
    EXPECT_EQ(w.counts().sent, 0u);
    EXPECT_EQ(w.counts().failed, 2u);
    EXPECT_TRUE(w.counts().last_error);
}

TEST_P(udp_lending, a_socket_that_is_closed_before_the_turn_ends_takes_its_datagrams_with_it) {
    udp_socket server(context(), anywhere);
    auto client = std::make_unique<udp_socket>(context(), anywhere);
    auto w = std::make_unique<udp_writer>(*client);
    asio::post(context(), [&] {
        w->send(asio::buffer("text", 4), server.local_endpoint());
        client->close();
    });
    run();
    EXPECT_EQ(w->counts().failed, 1u);
    asio::post(context(), [&] {
        client->open(udp::v4());
        w->send(asio::buffer("text", 4), server.local_endpoint());
        client->close();
        w.reset();
    });
    run();
    server.non_blocking(true);
    char data[8];
    udp::endpoint source;
    error_code ec;
    server.receive_from(asio::buffer(data), source, 0, ec);
    EXPECT_EQ(ec, asio::error::would_block) << "nothing came";
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
