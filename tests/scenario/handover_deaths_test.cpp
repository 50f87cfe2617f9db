// Either process is killed at every step of a hand-over: the other one has everything, works with it, and nobody else
// gets a port for an instant.
#include "intruder/intruder.hpp"
#include "scenario/handover_ground.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <asio/io_context.hpp>

#include <csignal>
#include <iostream>
#include <memory>

namespace berth::test {
namespace {

constexpr std::uint32_t ports = 6;

class handover_deaths : public testing::TestWithParam<parking> {
protected:
    // What the predecessor has: both protocols with a listener and a UDP socket that serve, and outbound ports.
    struct holdings {
        port_reservation game, outbound;
        bound_port lobby, voice, room;
    };
    static holdings reserve() {
        reservation_request request;
        request.block = {0, ports};
        request.protocol = transport::tcp_and_udp;
        request.park = GetParam();
        holdings h;
        h.game = port_reservation::reserve(request);
        request.block.count = 3;
        request.protocol = transport::tcp;
        request.use = tcp_use::connect;
        h.outbound = port_reservation::reserve(request);
        error_code ec;
        h.lobby = h.game.take(transport::tcp, ec);
        h.voice = h.game.take(transport::udp, ec);
        h.room = h.game.take(transport::udp, ec);
        return h;
    }
    static void offer_all(handover_offer& offer, const holdings& h) {
        failure f;
        offer.add(h.game, "game", f);
        ASSERT_FALSE(f) << f.what;
        offer.add(h.outbound, "outbound", f);
        ASSERT_FALSE(f) << f.what;
        offer.serve(h.game, transport::tcp, h.lobby.port(), "lobby", f);
        ASSERT_FALSE(f) << f.what;
        offer.serve(h.game, transport::udp, h.voice.port(), "voice", f);
        ASSERT_FALSE(f) << f.what;
    }
    static void expect_all_serve(port_reservation& game, port_reservation& outbound, const bound_port& lobby,
                                 const bound_port& voice, std::uint32_t udp_ports) {
        expect_accepts(lobby.io_handle(), lobby.port());
        expect_hears(voice.io_handle(), voice.port());
        expect_whole(game, transport::tcp, ports - 1);
        expect_whole(game, transport::udp, udp_ports);
        expect_whole(outbound, transport::tcp, 3);
        EXPECT_EQ(game.statistics().condemned + outbound.statistics().condemned, 0u);
    }
};

TEST_P(handover_deaths, a_successor_that_is_killed_at_any_step_leaves_the_predecessor_with_everything) {
    const auto address = fresh_address();
    const nursery successors([&](int order) {
        die_at_step(order);
        failure f;
        auto over = receive_handover(address, f);
        ASSERT_FALSE(f) << f.what;
        over.complete();
        ::usleep(1'000'000);  // what came is its own now, and stands until the promise ends
    });
    intruder_crew tcp(attacked::tcp), udp(attacked::udp);
    auto h = reserve();
    for (auto* crew : {&tcp, &udp}) {
        crew->promise_begins();
        crew->attack(h.game.block().first, ports);
    }
    asio::io_context context;
    handover_offer offer(address);
    offer_all(offer, h);
    bool is_handed = false;
    offer.async_hand_over(context, [&](error_code ec) {
        EXPECT_FALSE(ec) << ec.message();
        is_handed = true;
    });
    int step = 1;
    for (std::optional<int> end; !is_handed && !HasFatalFailure() && step < 200; ++step, end.reset()) {
        successors.start(step);
        while (!end && !is_handed) context.run_for(std::chrono::milliseconds(1)), end = successors.ended(0);
        if (is_handed) break;
        context.run_for(std::chrono::milliseconds(20));
        ASSERT_TRUE(WIFSIGNALED(*end)) << *end << " at step " << step << ": " << offer.why().what;
        expect_all_serve(h.game, h.outbound, h.lobby, h.voice, ports - 2);
    }
    std::cout << "[  steps   ] " << step - 1 << '\n';
    EXPECT_GT(step, 20);
    for (auto* crew : {&tcp, &udp}) {
        crew->promise_ends();
        const auto report = crew->stop();
        EXPECT_EQ(report.broken_promises, 0u) << report;
    }
}

TEST_P(handover_deaths, a_predecessor_that_is_killed_at_any_step_leaves_the_successor_with_all_or_nothing) {
    int had_all = 0, had_nothing = 0, step = 1;
    bool was_whole = false;
    for (; !was_whole && !HasFatalFailure() && step < 200; ++step) {
        const auto address = fresh_address();
        other_process predecessor([&](const word_channel& say) {
            auto h = reserve();
            asio::io_context context;
            handover_offer offer(address);
            offer_all(offer, h);
            offer.async_hand_over(context, [](error_code) {});
            say.say(std::to_string(h.game.block().first) + ' ' + std::to_string(h.outbound.block().first));
            die_at_step(step);
            context.run();
            say.say("handed");
            static_cast<void>(say.hear());
        });
        const auto words = predecessor.channel().hear();
        ASSERT_FALSE(words.empty());
        const port_block game{static_cast<std::uint16_t>(std::stoi(words)), ports};
        const port_block outbound{static_cast<std::uint16_t>(std::stoi(words.substr(words.find(' ')))), 3};
        failure f;
        auto over = receive_handover(address, f);
        if (over) {
            expect_shut(game, transport::tcp);
            expect_shut(game, transport::udp);
            error_code ec;
            auto mine = over.take_reservation("game", ec);
            auto out = over.take_reservation("outbound", ec);
            auto lobby = over.take("lobby", ec), voice = over.take("voice", ec);
            ASSERT_FALSE(ec) << ec.message();
            over.complete();
            was_whole = predecessor.channel().hear(2'000) == "handed";
            predecessor.kill();
            predecessor.wait();
            mine.reclaim();
            expect_all_serve(mine, out, lobby, voice, ports - 1);
            ++had_all;
        } else {
            predecessor.wait();
            expect_free(game, transport::tcp);
            expect_free(game, transport::udp);
            expect_free(outbound, transport::tcp);
            EXPECT_EQ(had_all, 0) << step << ": " << f.what;
            ++had_nothing;
        }
    }
    std::cout << "[  steps   ] " << step - 1 << ": nothing came " << had_nothing << " times, all " << had_all << '\n';
    EXPECT_TRUE(was_whole);
    EXPECT_GT(had_all, 4);
}

std::string name_of(const testing::TestParamInfo<parking>& given) {
    return given.param == parking::best ? "best" : "system_calls";
}
INSTANTIATE_TEST_SUITE_P(parked, handover_deaths, testing::Values(parking::best, parking::system_calls), name_of);

}  // namespace
}  // namespace berth::test
