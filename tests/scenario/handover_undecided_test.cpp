// Whose everything is while it is undecided, and after an attempt that came to nothing; and whoever has other rights.
#include "scenario/handover_ground.hpp"

#include "handover/wire.hpp"

#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace berth::test {
namespace {

using namespace std::chrono_literals;

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

// As if the successor had been cut off at the worst instant: what the predecessor would say cannot be sent.
void hang_up_while_frozen(const char* step) {
    if (std::string_view(step) != "frozen") return;
    for (int fd = 3; fd < 256; ++fd) {
        sockaddr_un name{};
        socklen_t size = sizeof name, of_flag = sizeof(int);
        int listens = 1;
        ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &of_flag);
        const bool has_name = ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0 &&
                              name.sun_family == AF_UNIX && size > sizeof name.sun_family;
        if (has_name && listens == 0) ::shutdown(fd, SHUT_RDWR);
    }
}

TEST(handover, a_predecessor_that_lives_and_cannot_say_its_last_word_keeps_everything) {
    const auto address = fresh_address();
    const nursery successors([&](int) {
        failure f;
        const auto over = receive_handover(address, f);
        ::_exit(f.code == errc::operation_aborted ? 0 : 1);
    });
    auto ports = port_reservation::reserve(udp_block(4));
    asio::io_context context;
    handover_offer offer(address);
    failure f;
    offer.add(ports, "ports", f);
    bool is_handed = false;
    offer.async_hand_over(context, [&](error_code) { is_handed = true; });
    detail::at_handover_step = hang_up_while_frozen;
    successors.start(0);
    std::optional<int> end;
    while (!end) context.run_for(2ms), end = successors.ended(0);
    detail::at_handover_step = nullptr;
    EXPECT_EQ(*end, 0) << "the successor takes what its predecessor, which lives, has as well";
    context.run_for(20ms);
    EXPECT_FALSE(is_handed);
    expect_whole(ports, transport::udp, 4);
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
        hand_over(ports, address, words);
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
