// What comes over is as it was: states, rests, sockets in use, large blocks; and whose a port is while two processes
// have its socket.
#include "scenario/handover_ground.hpp"

#include "handover/wire.hpp"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <iostream>
#include <map>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

namespace berth::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

reservation_request udp_block(std::uint32_t count) {
    reservation_request request;
    request.block = {0, count};
    return request;
}

// Offers, until a successor has completed.
void hand_over(handover_offer& offer) {
    asio::io_context context;
    offer.async_hand_over(context, [](error_code ec) { EXPECT_FALSE(ec) << ec.message(); });
    context.run();
}

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
        handover_offer offer(address);
        failure f;
        offer.add(ports, "ports", f);
        words.say("ready");
        hand_over(offer);
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
        handover_offer offer(address);
        failure f;
        offer.add(ports, "ports", f);
        words.say("ready");
        hand_over(offer);
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
        handover_offer offer(first_address);
        failure f;
        offer.add(ports, "ports", f);
        words.say("ready");
        hand_over(offer);
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
        handover_offer offer(second_address);
        failure f;
        offer.add(ports, "ports", f);
        words.say("ready");
        hand_over(offer);
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

TEST(handover, that_is_not_completed_leaves_the_predecessor_with_everything) {
    const auto address = fresh_address();
    const nursery successors([&](int order) {
        auto over = receive_handover(address);
        error_code ec;
        auto ports = over.take_reservation("ports", ec);
        auto used = ports.take();
        expect_hears(used.io_handle(), used.port());  // it works with what it has
        used.give_back(ec);
        if (order == 1) ports = {};
        over = {};  // with the reservation in hand this completes
    });
    auto ports = port_reservation::reserve(udp_block(4));
    asio::io_context context;
    handover_offer offer(address);
    failure f;
    offer.add(ports, "ports", f);
    bool is_handed = false;
    offer.async_hand_over(context, [&](error_code) { is_handed = true; });
    for (const int order : {1, 1, 2}) {
        successors.start(order);
        std::optional<int> end;
        while (!end) context.run_for(2ms), end = successors.ended(0);
        EXPECT_EQ(*end, 0);
        context.run_for(20ms);
        EXPECT_EQ(is_handed, order == 2);
        if (order == 1) expect_whole(ports, transport::udp, 4);
    }
    EXPECT_FALSE(ports);
}

TEST(handover, can_be_cancelled_until_a_successor_has_received) {
    const auto address = fresh_address();
    auto ports = port_reservation::reserve(udp_block(2));
    asio::io_context context;
    handover_offer offer(address);
    failure f;
    offer.add(ports, "ports", f);
    asio::cancellation_signal cancel;
    error_code how;
    bool is_over = false;
    const auto begin = [&] {
        is_over = false;
        offer.async_hand_over(context, asio::bind_cancellation_slot(cancel.slot(), [&](error_code ec) {
                                  how = ec;
                                  is_over = true;
                              }));
    };
    begin();
    context.run_for(10ms);
    cancel.emit(asio::cancellation_type::all);
    context.run_for(1s);
    EXPECT_TRUE(is_over);
    EXPECT_EQ(how, asio::error::operation_aborted);
    expect_whole(ports, transport::udp, 2);
    context.restart();
    begin();
    std::atomic<bool> has_received{false}, may_complete{false};
    std::thread successor([&] {
        auto over = receive_handover(address);
        error_code ec;
        auto mine = over.take_reservation("ports", ec);
        has_received = true;
        while (!may_complete) std::this_thread::yield();
        over.complete();
    });
    while (!has_received) context.run_for(1ms);
    cancel.emit(asio::cancellation_type::all);
    context.run_for(20ms);
    EXPECT_FALSE(is_over) << "too late: the successor is at work";
    may_complete = true;
    context.run_for(2s);
    successor.join();
    EXPECT_TRUE(is_over);
    EXPECT_FALSE(how) << how.message();
}

int copy_to_close = -1;
void close_copy_while_frozen(const char* step) {
    if (std::string_view(step) == "frozen" && copy_to_close >= 0) ::close(std::exchange(copy_to_close, -1));
}

// Draws, give backs and looks of other threads, at every moment of attempts that come to nothing; and a copy of a
// port that was given back is closed while nobody may touch it.
TEST(handover, that_fails_loses_no_port_while_threads_draw) {
    const auto address = fresh_address();
    const nursery successors([&](int order) {
        die_at_step(order);
        failure f;
        auto over = receive_handover(address, f);
        ::kill(::getpid(), SIGKILL);
    });
    constexpr std::uint32_t count = 64;
    auto request = udp_block(count);
    request.protocol = transport::tcp_and_udp;
    auto ports = port_reservation::reserve(request);
    const std::uint16_t first = ports.block().first;
    std::array<std::array<std::atomic<int>, count>, 2> owners{};
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> draws{0}, refusals{0}, doubles{0};
    std::vector<std::thread> workers;
    for (const auto protocol : {transport::tcp, transport::udp}) {
        workers.emplace_back([&, protocol] {
            while (!over) {
                error_code ec;
                auto port = ports.take(protocol, ec);
                if (ec) {
                    ++refusals;
                    std::this_thread::yield();
                    continue;
                }
                auto& owner = owners[protocol == transport::udp ? 1 : 0][port.port() - first];
                if (owner.fetch_add(1) != 0) ++doubles;
                ++draws;
                owner.fetch_sub(1);
            }
        });
    }
    workers.emplace_back([&] {
        while (!over) ports.reclaim();
    });
    asio::io_context context;
    handover_offer offer(address);
    failure f;
    offer.add(ports, "ports", f);
    offer.async_hand_over(context, [&](error_code) {});
    detail::at_handover_step = close_copy_while_frozen;
    int closed = 0;
    for (int i = 0; i < 60; ++i) {
        if (copy_to_close < 0) {
            error_code ec;
            auto port = ports.take(i % 2 == 0 ? transport::udp : transport::tcp, ec);
            copy_to_close = static_cast<int>(port.duplicate(ec));
            ++closed;
        }
        successors.start(i % 4 == 0 ? 8 + i % 8 : 1'000);
        std::optional<int> end;
        while (!end) context.run_for(1ms), end = successors.ended(0);
        context.run_for(2ms);
    }
    detail::at_handover_step = nullptr;
    if (copy_to_close >= 0) ::close(std::exchange(copy_to_close, -1));
    over = true;
    for (auto& worker : workers) worker.join();
    std::cout << draws << " draws, " << refusals << " refused in between, " << closed << " copies closed\n";
    EXPECT_EQ(doubles, 0u);
    EXPECT_GT(draws, 1'000u);
    EXPECT_GT(closed, 10);
    ports.reclaim();
    EXPECT_EQ(ports.available(), 2 * count);
    EXPECT_EQ(ports.statistics().ports.available, 2 * count);
    expect_whole(ports, transport::tcp, count);
    expect_whole(ports, transport::udp, count);
}

// Whoever comes may have fewer rights than whoever goes, or more: what it got was bound and is parked their way.
struct rights {
    bool predecessor, successor;
    address_family family;
};
class across_privileges : public testing::TestWithParam<rights> {};

void keep_rights(bool keep) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
    if (!keep) {
        ASSERT_EQ(::syscall(SYS_capset, &header, none), 0);
    }
}

TEST_P(across_privileges, everything_works) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: there are no other rights to have";
    constexpr std::uint32_t count = 6;
    const auto address = fresh_address();
    other_process predecessor([&](const word_channel& words) {
        keep_rights(GetParam().predecessor);
        auto request = udp_block(count);
        request.protocol = transport::tcp_and_udp;
        request.family = GetParam().family;
        auto ports = port_reservation::reserve(request);
        handover_offer offer(address);
        failure f;
        offer.add(ports, "ports", f);
        words.say("ready");
        hand_over(offer);
    });
    other_process successor([&](const word_channel& words) {
        keep_rights(GetParam().successor);
        static_cast<void>(words.hear());
        failure f;
        auto over = receive_handover(address, f);
        ASSERT_TRUE(over) << f.what;
        error_code ec;
        auto ports = over.take_reservation("ports", ec);
        over.complete();
        for (const auto protocol : {transport::tcp, transport::udp}) {
            expect_whole(ports, protocol, count);
            auto spoilt = ports.take(protocol, ec);
            ::shutdown(spoilt.native_handle(), SHUT_RDWR);
            spoilt.give_back(ec);
            EXPECT_EQ(ports.statistics().ports.condemned, 1u);
            while (ports.statistics().ports.condemned != 0) ports.reclaim(), ::usleep(1'000);
            expect_whole(ports, protocol, count);
            expect_shut(ports.block(), protocol);
        }
    });
    ASSERT_EQ(predecessor.channel().hear(), "ready");
    successor.channel().say("go");
    EXPECT_EQ(successor.wait(), 0);
}
INSTANTIATE_TEST_SUITE_P(of_both, across_privileges,
                         testing::Values(rights{true, false, address_family::dual},
                                         rights{true, false, address_family::ipv4},
                                         rights{false, true, address_family::dual},
                                         rights{false, true, address_family::ipv4},
                                         rights{false, true, address_family::ipv6}));

}  // namespace
}  // namespace berth::test
