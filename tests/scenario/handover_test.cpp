// What comes over is as it was: states, rests, sockets in use, large blocks; and whose a port is while two processes
// have its socket.
#include "scenario/handover_ground.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asio/io_context.hpp>

#include <chrono>
#include <iostream>
#include <map>
#include <sstream>

namespace berth::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

void raise_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST(handover, brings_each_port_as_it_is) {
    const auto address = fresh_address();
    other_process predecessor([&](const word_channel& words) {
        auto request = udp_block(8);
        request.cool_down = 60s;
        auto ports = port_reservation::reserve(request);
        auto room = ports.take(), named = ports.take(), rested = ports.take(), spoilt = ports.take();
        std::ostringstream numbers;
        numbers << room.port() << ' ' << named.port();
        error_code ec;
        rested.give_back(ec);
        ::shutdown(spoilt.native_handle(), SHUT_RDWR);  // not connected, and shut down all the same
        spoilt.give_back(ec);
        handover_offer offer(address);
        failure f;
        offer.add(ports, "ports", f);
        offer.serve(ports, transport::udp, named.port(), "named", f);
        words.say(numbers.str());
        hand_over(offer);
        ports.take(ec);
        EXPECT_EQ(ec, errc::reservation_released);
        EXPECT_FALSE(ports);
        words.say("handed");
        static_cast<void>(words.hear());
        room.give_back(ec);
        words.say("given back");
        static_cast<void>(words.hear());
    });
    std::istringstream numbers(predecessor.channel().hear());
    std::uint16_t room = 0, named = 0;
    ASSERT_TRUE(numbers >> room >> named);
    failure f;
    auto over = receive_handover(address, f);
    ASSERT_TRUE(over) << f.what;
    ASSERT_EQ(over.reservations().size(), 1u);
    EXPECT_EQ(over.reservations()[0].request.cool_down, 60s);
    ASSERT_EQ(over.ports().size(), 1u);
    EXPECT_EQ(over.ports()[0].port, named);
    error_code ec;
    asio::io_context context;
    auto ports = over.take_reservation("ports", ec);
    ASSERT_FALSE(ec);
    over.take_reservation("ports", ec);
    EXPECT_EQ(ec, errc::no_such_reservation);
    over.take<asio::ip::tcp::socket>("named", context.get_executor(), ec);
    EXPECT_EQ(ec, errc::protocol_mismatch);
    auto serving = over.take<asio::ip::udp::socket>("named", context.get_executor(), ec);
    ASSERT_FALSE(ec) << ec.message();
    over.take("named", ec);
    EXPECT_EQ(ec, errc::not_associated);
    over.complete();
    EXPECT_EQ(predecessor.channel().hear(), "handed");
    auto now = ports.statistics().ports;
    EXPECT_EQ(now.open, 1u);
    EXPECT_EQ(now.draining, 1u);
    EXPECT_EQ(now.cooling, 1u);
    EXPECT_EQ(now.condemned, 1u);
    EXPECT_EQ(now.available, 4u);
    expect_hears(serving->native_handle(), named);
    ports.reclaim();
    EXPECT_EQ(ports.statistics().ports.draining, 1u) << "the predecessor has it still";
    predecessor.channel().say("give back");
    EXPECT_EQ(predecessor.channel().hear(), "given back");
    ports.reclaim();
    now = ports.statistics().ports;
    EXPECT_EQ(now.draining, 0u);
    EXPECT_EQ(now.condemned, 0u) << "renewed, for nobody has the old one any more";
    EXPECT_EQ(now.cooling, 3u) << "given back, and that begins its rest";
    serving.give_back(ec);
    EXPECT_EQ(ports.statistics().ports.draining, 1u) << "the predecessor serves with it too, as far as we know";
    predecessor.kill();
    predecessor.wait();
    ports.reclaim();
    EXPECT_EQ(ports.statistics().ports.draining, 0u);
    EXPECT_EQ(ports.statistics().ports.cooling, 4u);
}

TEST(handover, a_rest_goes_on_where_it_was) {
    const auto address = fresh_address();
    other_process predecessor([&](const word_channel& words) {
        auto request = udp_block(1);
        request.cool_down = 1s;
        auto ports = port_reservation::reserve(request);
        ports.take();
        ::usleep(600'000);
        hand_over(ports, address, words);
    });
    ASSERT_EQ(predecessor.channel().hear(), "ready");
    auto over = receive_handover(address);
    const auto began = clock::now();
    error_code ec;
    auto ports = over.take_reservation("ports", ec);
    over.complete();
    ports.take(ec);
    EXPECT_EQ(ec, errc::block_exhausted);
    while (ec && clock::now() - began < 5s) ports.take(ec), ::usleep(2'000);
    EXPECT_FALSE(ec);
    EXPECT_LT(clock::now() - began, 800ms) << "the rest began anew";
}

TEST(handover, of_a_large_block_takes_no_time_to_speak_of) {
    constexpr std::uint32_t count = 1'500;
    const auto address = fresh_address();
    raise_limit();
    other_process predecessor([&](const word_channel& words) {
        auto request = udp_block(count);
        request.protocol = transport::tcp_and_udp;
        auto ports = port_reservation::reserve(request);
        hand_over(ports, address, words);
    });
    ASSERT_EQ(predecessor.channel().hear(), "ready");
    const auto began = clock::now();
    failure f;
    auto over = receive_handover(address, f);
    ASSERT_TRUE(over) << f.what;
    over.complete();
    const auto took = clock::now() - began;
    predecessor.wait();
    std::cout << "[  took    ] " << std::chrono::duration_cast<std::chrono::microseconds>(took).count() << " us for "
              << count << " ports of each protocol\n";
    EXPECT_LT(took, 2s);
    error_code ec;
    auto ports = over.take_reservation("ports", ec);
    expect_whole(ports, transport::udp, count);
    expect_whole(ports, transport::tcp, count);
    expect_shut({ports.block().first, 16}, transport::tcp);
}

// Three generations, of which the first has a room that outlives the second.
TEST(handover, a_port_stays_its_users_over_several_generations) {
    const auto first_address = fresh_address(), second_address = fresh_address();
    other_process first([&](const word_channel& words) {
        auto ports = port_reservation::reserve(udp_block(4));
        auto room = ports.take();
        hand_over(ports, first_address, words);
        static_cast<void>(words.hear());
        error_code ec;
        room.give_back(ec);
        words.say("given back");
        static_cast<void>(words.hear());
    });
    ASSERT_EQ(first.channel().hear(), "ready");
    other_process second([&](const word_channel& words) {
        auto over = receive_handover(first_address);
        error_code ec;
        auto ports = over.take_reservation("ports", ec);
        over.complete();
        hand_over(ports, second_address, words);
    });
    ASSERT_EQ(second.channel().hear(), "ready");
    auto over = receive_handover(second_address);
    error_code ec;
    auto ports = over.take_reservation("ports", ec);
    over.complete();
    second.wait();
    ports.reclaim();
    EXPECT_EQ(ports.statistics().ports.draining, 1u);
    EXPECT_EQ(ports.statistics().ports.available, 3u);
    first.channel().say("give back");
    EXPECT_EQ(first.channel().hear(), "given back");
    EXPECT_EQ(ports.reclaim(), 1u);
    expect_whole(ports, transport::udp, 4);
}

}  // namespace
}  // namespace berth::test
