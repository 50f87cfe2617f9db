// Datagrams that leave in runs.
#include <berth/detail/datagram_control.hpp>

#include "unit/io/udp_lending.hpp"

namespace {

using namespace io_test;
using berth::detail::may_cut_datagrams;

class udp_writing : public udp_lending {};
BERTH_BY_BACKEND(udp_writing);

TEST_P(udp_writing, runs_to_one_destination_leave_in_one_call) {
    udp_socket server(context(), any_udp_port), other(context(), any_udp_port), client(context(), any_udp_port);
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
    EXPECT_EQ(w.counts().calls, may_cut_datagrams() ? 5u : 15u) << "eleven, one elsewhere, two that are longer, an empty one";
}

TEST_P(udp_writing, more_than_a_call_takes_is_several_and_order_is_kept) {
    udp_socket server(context(), any_udp_port), client(context(), any_udp_port);
    server.set_option(asio::socket_base::receive_buffer_size(4 << 20));
    udp_writer w(client);
    asio::post(context(), [&] {
        for (int i = 0; i < 100; ++i) w.send(asio::buffer("n" + std::to_string(100 + i)), server.local_endpoint());
    });
    const auto all = receive(server, 100);
    ASSERT_EQ(all.size(), 100u);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(text_of(all[static_cast<std::size_t>(i)]), "n" + std::to_string(100 + i));
    EXPECT_LT(w.counts().calls, may_cut_datagrams() ? 10u : 101u);
}

TEST_P(udp_writing, answers_to_a_crowd_leave_in_one_call_for_each_of_it) {
    constexpr std::size_t crowd = 100, rounds = 5;  // more than are gathered at a time
    std::vector<udp_socket> members;
    for (std::size_t m = 0; m < crowd; ++m) members.emplace_back(context(), any_udp_port);
    udp_socket client(context(), any_udp_port);
    udp_writer w(client);
    asio::post(context(), [&] {
        for (std::size_t round = 0; round < rounds; ++round)
            for (std::size_t m = 0; m < 20; ++m)
                w.send(asio::buffer(std::to_string(round)), members[m].local_endpoint());
    });
    run();
    EXPECT_EQ(w.counts().sent, 20 * rounds);
    EXPECT_LE(w.counts().calls, may_cut_datagrams() ? 40u : 20u * rounds);
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

TEST_P(udp_writing, where_the_system_does_not_cut_each_is_sent_by_itself) {
    udp_socket server(context(), any_udp_port), client(context(), any_udp_port);
    error_code refused;
    client.set_option(asio::detail::socket_option::integer<ASIO_OS_DEF(SOL_SOCKET), 11>(1), refused);  // SO_NO_CHECK
    if (refused && may_cut_datagrams()) GTEST_SKIP() << "nothing keeps this system from cutting";
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

TEST_P(udp_writing, a_writer_may_be_told_never_to_join) {
    udp_socket server(context(), any_udp_port), client(context(), any_udp_port);
    udp_writer w(client, berth::segmentation::never);
    asio::post(context(), [&] {
        for (int i = 0; i < 5; ++i) w.send(asio::buffer(std::string(64, 'a')), server.local_endpoint());
    });
    EXPECT_EQ(receive(server, 5).size(), 5u);
    EXPECT_EQ(w.counts().calls, 5u);
}

TEST_P(udp_writing, an_echo_from_lent_buffers_answers_all) {
    udp_socket server(context(), any_udp_port), client(context(), any_udp_port);
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

TEST_P(udp_writing, datagrams_that_are_refused_are_counted) {
    udp_socket client(context(), any_udp_port);
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

TEST_P(udp_writing, a_socket_that_is_closed_before_the_turn_ends_takes_its_datagrams_with_it) {
    if (!may_cut_datagrams()) GTEST_SKIP() << "where datagrams are not joined each is sent at once";
    udp_socket server(context(), any_udp_port);
    auto client = std::make_unique<udp_socket>(context(), any_udp_port);
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

}  // namespace
