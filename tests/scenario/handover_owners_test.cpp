// Whose a port is while several processes have its socket: copies, sockets that were moved out, earlier generations.
#include "scenario/handover_ground.hpp"

#include <berth/associate.hpp>

#include "handover/wire.hpp"

#include <sys/socket.h>
#include <unistd.h>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include <csignal>
#include <cstring>
#include <optional>

namespace berth::test {
namespace {

constexpr std::uint32_t four_ports = 4;

port_reservation reserve_udp() { return port_reservation::reserve(udp_block(four_ports)); }

void die_at_freezing(const char* step) {
    if (std::strcmp(step, "freezing") == 0) ::kill(::getpid(), SIGKILL);
}

void expect_out(port_reservation& ports, std::uint32_t out) {
    ports.reclaim();
    EXPECT_EQ(ports.statistics().ports.draining, out);
    expect_whole(ports, transport::udp, four_ports - out);
}

class handover_owners : public testing::TestWithParam<bool> {};

// The one before the predecessor has a room; the predecessor dies before it said anything of any port.
TEST_P(handover_owners, an_earlier_generation_keeps_its_port_when_the_next_one_dies) {
    const bool is_named = GetParam();
    const auto first_address = fresh_address(), second_address = fresh_address();
    other_process first([&](const word_channel& words) {
        auto ports = reserve_udp();
        auto room = ports.take();
        hand_over(ports, first_address, words, is_named ? &room : nullptr);
        static_cast<void>(words.hear());
        expect_hears(room.io_handle(), room.port());
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
        auto room = over.take("room", ec);
        over.complete();
        detail::at_handover_step = die_at_freezing;
        hand_over(ports, second_address, words, is_named ? &room : nullptr);
    });
    ASSERT_EQ(second.channel().hear(), "ready");
    failure f;
    auto over = receive_handover(second_address, f);
    ASSERT_TRUE(over) << f.what;
    error_code ec;
    auto ports = over.take_reservation("ports", ec);
    auto room = over.take("room", ec);
    EXPECT_EQ(static_cast<bool>(room), is_named);
    over.complete();
    room.give_back(ec);
    expect_out(ports, 1);
    first.channel().say("serve");
    EXPECT_EQ(first.channel().hear(), "given back") << "what the first generation has was silenced";
    expect_out(ports, 0);
    first.channel().say("end");
    EXPECT_EQ(first.wait(), 0);
}
INSTANTIATE_TEST_SUITE_P(room, handover_owners, testing::Bool(),
                         [](const auto& given) { return given.param ? "named" : "not_named"; });

// Given back while a copy lives, and the generation before has the socket as well.
TEST(handover_owners_of, a_copy_that_lives_keeps_the_port_of_two_generations) {
    const auto first_address = fresh_address(), second_address = fresh_address();
    other_process first([&](const word_channel& words) {
        auto ports = reserve_udp();
        auto room = ports.take();
        hand_over(ports, first_address, words, &room);
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
        auto room = over.take("room", ec);
        over.complete();
        const auto port = room.port();
        const int copy = static_cast<int>(room.duplicate(ec));
        room.give_back(ec);
        auto other = ports.take();
        hand_over(ports, second_address, words);
        static_cast<void>(words.hear());
        expect_hears(copy, port);
        ::close(copy);
        other.give_back(ec);  // and this looks whether the copy is closed
        words.say("closed");
        static_cast<void>(words.hear());
    });
    ASSERT_EQ(second.channel().hear(), "ready");
    auto over = receive_handover(second_address);
    error_code ec;
    auto ports = over.take_reservation("ports", ec);
    over.complete();
    first.channel().say("give back");
    EXPECT_EQ(first.channel().hear(), "given back");
    expect_out(ports, 2);
    second.channel().say("close");
    EXPECT_EQ(second.channel().hear(), "closed");
    expect_out(ports, 0);
    second.channel().say("end");
    EXPECT_EQ(second.wait(), 0);
}

// bind() gave the socket to its caller, who closes it by itself, some time after the hand-over.
TEST(handover_owners_of, a_socket_that_its_caller_bound_comes_back_when_it_is_closed) {
    const auto address = fresh_address();
    other_process predecessor([&](const word_channel& words) {
        auto ports = reserve_udp();
        auto other = ports.take();
        const int own = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        failure f;
        error_code ec;
        associate(own, ports.token(), ec);
        bind(own, bind_endpoint{}, f);
        ASSERT_FALSE(f) << f.what;
        hand_over(ports, address, words);
        static_cast<void>(words.hear());
        ::close(own);
        other.give_back(ec);  // and this looks whether it is closed
        words.say("closed");
        static_cast<void>(words.hear());
    });
    ASSERT_EQ(predecessor.channel().hear(), "ready");
    auto over = receive_handover(address);
    error_code ec;
    auto ports = over.take_reservation("ports", ec);
    over.complete();
    expect_out(ports, 2);
    predecessor.channel().say("close");
    EXPECT_EQ(predecessor.channel().hear(), "closed");
    expect_out(ports, 0);
    predecessor.channel().say("end");
    EXPECT_EQ(predecessor.wait(), 0);
}

// To replace a session socket loosens its holder for a moment, and until complete() the holder may go back.
TEST(handover_owners_of, no_session_socket_is_replaced_before_the_successor_completes) {
    const auto address = fresh_address();
    other_process predecessor([&](const word_channel& words) {
        asio::io_context context;
        auto ports = reserve_udp();
        error_code ec;
        auto room = ports.take<asio::ip::udp::socket>(context.get_executor(), ec);
        room->close();
        room.give_back(ec);
        hand_over(ports, address, words);
    });
    ASSERT_EQ(predecessor.channel().hear(), "ready");
    auto over = receive_handover(address);
    error_code ec;
    auto ports = over.take_reservation("ports", ec);
    ports.reclaim();
    EXPECT_EQ(ports.statistics().ports.condemned, 1u);
    expect_shut(ports.block(), transport::udp);
    over.complete();
    EXPECT_EQ(predecessor.wait(), 0);
    ports.reclaim();
    EXPECT_EQ(ports.statistics().ports.condemned, 0u);
    expect_whole(ports, transport::udp, four_ports);
}

enum class moved { before_complete, after_complete };
class handover_moved_out : public testing::TestWithParam<moved> {};

// The worker keeps the socket for itself, and gives the port back all the same.
TEST_P(handover_moved_out, a_socket_stays_its_keepers) {
    const auto address = fresh_address();
    other_process predecessor([&](const word_channel& words) {
        asio::io_context context, other;
        auto ports = reserve_udp();
        error_code ec;
        auto room = ports.take<asio::ip::udp::socket>(other.get_executor(), ec);
        auto second = ports.take();
        const auto port = room.port();
        handover_offer offer(address);
        failure f;
        offer.add(ports, "ports", f);
        bool is_over = false;
        offer.async_hand_over(context, [&](error_code e) {
            EXPECT_FALSE(e) << e.message();
            is_over = true;
        });
        words.say("ready");
        std::optional<asio::ip::udp::socket> mine;
        const auto move_out = [&] {
            mine.emplace(std::move(*room));
            room.give_back(ec);
        };
        if (GetParam() == moved::before_complete) {
            while (words.hear(0).empty()) context.run_for(std::chrono::milliseconds(1));
            move_out();
            words.say("moved");
        }
        while (!is_over) context.run_for(std::chrono::milliseconds(1));
        if (GetParam() == moved::after_complete) {
            static_cast<void>(words.hear());
            move_out();
            words.say("moved");
        }
        static_cast<void>(words.hear());
        expect_hears(mine->native_handle(), port);
        mine.reset();
        second.give_back(ec);
        words.say("closed");
        static_cast<void>(words.hear());
    });
    ASSERT_EQ(predecessor.channel().hear(), "ready");
    auto over = receive_handover(address);
    error_code ec;
    auto ports = over.take_reservation("ports", ec);
    if (GetParam() == moved::after_complete) over.complete();
    predecessor.channel().say("move");
    EXPECT_EQ(predecessor.channel().hear(), "moved");
    if (GetParam() == moved::before_complete) over.complete();
    expect_out(ports, 2);
    predecessor.channel().say("close");
    EXPECT_EQ(predecessor.channel().hear(), "closed");
    expect_out(ports, 0);
    predecessor.channel().say("end");
    EXPECT_EQ(predecessor.wait(), 0);
}
INSTANTIATE_TEST_SUITE_P(when, handover_moved_out, testing::Values(moved::before_complete, moved::after_complete),
                         [](const auto& given) {
                             return given.param == moved::before_complete ? "before_complete" : "after_complete";
                         });

}  // namespace
}  // namespace berth::test
