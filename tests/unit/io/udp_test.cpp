// berth's UDP sockets do what Asio's do, also those that come out of a reservation.
#include <berth/port_reservation.hpp>
#include <berth/steady_timer.hpp>
#include <berth/udp_socket.hpp>

#include <asio.hpp>

#include <string>

#include "unit/io/by_backend.hpp"

namespace {

using namespace io_test;
using asio::use_awaitable;
using asio::ip::udp;
using berth::udp_socket;

const udp::endpoint anywhere(asio::ip::address_v4::loopback(), 0);

class udp_io : public by_backend {
protected:
    template <class Coroutine>
    void run_coroutine(Coroutine coroutine) {
        asio::co_spawn(context(), std::move(coroutine), [](std::exception_ptr e) {
            if (e) std::rethrow_exception(e);
        });
        run();
    }
};
BERTH_BY_BACKEND(udp_io);

TEST_P(udp_io, datagrams_come_with_their_source) {
    udp_socket one(context(), anywhere), two(context(), anywhere);
    std::string heard;
    run_coroutine([&]() -> asio::awaitable<void> {
        char data[64];
        udp::endpoint source;
        co_await one.async_send_to(asio::buffer("question", 8), two.local_endpoint(), use_awaitable);
        std::size_t size = co_await two.async_receive_from(asio::buffer(data), source, use_awaitable);
        EXPECT_EQ(source, one.local_endpoint());
        EXPECT_EQ(std::string(data, size), "question");
        co_await two.async_send_to(asio::buffer("answer", 6), source, use_awaitable);
        size = co_await one.async_receive_from(asio::buffer(data), source, use_awaitable);
        heard.assign(data, size);
    });
    EXPECT_EQ(heard, "answer");
}

TEST_P(udp_io, a_zero_length_datagram_is_one_and_not_an_end) {
    udp_socket one(context(), anywhere), two(context(), anywhere);
    one.send_to(asio::const_buffer(), two.local_endpoint());
    one.send_to(asio::buffer("x", 1), two.local_endpoint());
    run_coroutine([&]() -> asio::awaitable<void> {
        char data[4];
        udp::endpoint source;
        EXPECT_EQ(co_await two.async_receive_from(asio::buffer(data), source, use_awaitable), 0u);
        EXPECT_EQ(co_await two.async_receive_from(asio::buffer(data), source, use_awaitable), 1u);
    });
}

TEST_P(udp_io, scattered_buffers_are_one_datagram) {
    udp_socket one(context(), anywhere), two(context(), anywhere);
    one.connect(two.local_endpoint());
    run_coroutine([&]() -> asio::awaitable<void> {
        const std::array<asio::const_buffer, 2> out{asio::buffer("abc", 3), asio::buffer("defg", 4)};
        EXPECT_EQ(co_await one.async_send(out, use_awaitable), 7u);
        char first[2], rest[16];
        const std::array<asio::mutable_buffer, 2> in{asio::buffer(first), asio::buffer(rest)};
        EXPECT_EQ(co_await two.async_receive(in, use_awaitable), 7u);
        EXPECT_EQ(std::string(first, 2) + std::string(rest, 5), "abcdefg");
    });
}

TEST_P(udp_io, ipv6_works_as_well) {
    error_code ec;
    udp_socket one(context()), two(context());
    one.open(udp::v6(), ec);
    if (!ec) one.bind({asio::ip::address_v6::loopback(), 0}, ec);
    if (ec) GTEST_SKIP() << "no IPv6 here: " << ec.message();
    two.open(udp::v6());
    two.bind({asio::ip::address_v6::loopback(), 0});
    run_coroutine([&]() -> asio::awaitable<void> {
        char data[4];
        udp::endpoint source;
        co_await one.async_send_to(asio::buffer("six", 3), two.local_endpoint(), use_awaitable);
        EXPECT_EQ(co_await two.async_receive_from(asio::buffer(data), source, use_awaitable), 3u);
        EXPECT_EQ(source, one.local_endpoint());
    });
}

TEST_P(udp_io, close_ends_a_receive) {
    udp_socket one(context(), anywhere);
    char data[4];
    udp::endpoint source;
    error_code ec;
    one.async_receive_from(asio::buffer(data), source, [&](error_code e, std::size_t) { ec = e; });
    context().poll();
    one.close();
    run();
    EXPECT_EQ(ec, asio::error::operation_aborted);
}

TEST_P(udp_io, a_socket_out_of_a_block_serves_one_session_after_another) {
    berth::reservation_request request;
    request.block = {0, 1};
    request.family = berth::address_family::ipv4;
    auto ports = berth::port_reservation::reserve(request);
    udp_socket player(context(), anywhere);
    for (int round = 0; round < 20; ++round) {
        auto match = ports.take<udp_socket>(context().get_executor());
        std::string heard;
        run_coroutine([&]() -> asio::awaitable<void> {
            const std::string text = "round " + std::to_string(round);
            const udp::endpoint to(asio::ip::address_v4::loopback(), match.port());
            co_await player.async_send_to(asio::buffer(text), to, use_awaitable);
            char data[64];
            udp::endpoint source;
            const std::size_t size = co_await match->async_receive_from(asio::buffer(data), source, use_awaitable);
            heard.assign(data, size);
            co_await player.async_send_to(asio::buffer("late", 4), to, use_awaitable);
        });
        EXPECT_EQ(heard, "round " + std::to_string(round)) << "nothing of the session before";
        char data[4];
        udp::endpoint source;
        error_code ec, given;
        match->async_receive_from(asio::buffer(data), source, [&](error_code e, std::size_t) { ec = e; });
        match.give_back(given);
        EXPECT_FALSE(given) << given.message();
        run();
    }
    EXPECT_EQ(ports.statistics().condemned, 0u);
}

}  // namespace
