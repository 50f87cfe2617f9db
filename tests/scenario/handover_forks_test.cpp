// What a forked child has of a hand-over is its parent's; and what ends a hand-over that nobody completed.
#include "scenario/handover_ground.hpp"

#include "handover/wire.hpp"
#include "reservation_core.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include <chrono>
#include <cstdlib>

namespace berth::test {
namespace {

using namespace std::chrono_literals;
using detail::handover_verb;
using detail::handover_writer;
using platform::handover_line;
using platform::handover_message;
using platform::line_state;

constexpr std::uint32_t in_block = 4;

handover_verb ask(handover_line& line, const handover_writer& what) {
    handover_message answer;
    const auto until = std::chrono::steady_clock::now() + 5s;
    EXPECT_EQ(line.send(what.bytes(), {}, until), line_state::fine);
    EXPECT_EQ(line.receive(answer, until), line_state::fine);
    return detail::handover_reader(answer).verb();
}

/// A predecessor in this process, with a port that it serves with. Pre: the other processes are there.
class offering_ports : public testing::Test {
protected:
    void begin() {
        reservation_request request;
        request.block = {0, in_block};
        ports_ = port_reservation::reserve(request);
        lobby_ = ports_.take();
        offer_ = handover_offer(address_);
        failure f;
        offer_.add(ports_, "ports", f);
        ASSERT_FALSE(f) << f.what;
        offer_.serve(ports_, transport::udp, lobby_.port(), "lobby", f);
        ASSERT_FALSE(f) << f.what;
        offer_.async_hand_over(context_, [this](error_code ec) { ended_ = ec, has_ended_ = true; });
    }
    /// Works until the other process says something; that, or nothing within some seconds.
    std::string hear(const other_process& from) {
        std::string word;
        for (int i = 0; i < 5'000 && word.empty(); ++i) context_.run_for(1ms), word = from.channel().hear(1);
        return word;
    }
    void expect_untouched() {
        context_.run_for(50ms);
        EXPECT_FALSE(has_ended_);
        expect_hears(lobby_.io_handle(), lobby_.port());
        expect_whole(ports_, transport::udp, in_block - 1);
    }
    void expect_passing() {
        context_.run_for(50ms);
        EXPECT_FALSE(has_ended_);
        error_code ec;
        const auto none = ports_.take(ec);
        EXPECT_EQ(ec, errc::reservation_released) << "the successor has it";
    }
    const std::string address_ = fresh_address();
    asio::io_context context_;
    port_reservation ports_;
    bound_port lobby_;
    handover_offer offer_;
    error_code ended_;
    bool has_ended_ = false;
};

class handover_forks : public offering_ports {};

TEST_F(handover_forks, a_child_of_the_predecessor_hands_nothing_over) {
    other_process successor([&](const word_channel& words) {
        static_cast<void>(words.hear());
        failure f;
        auto over = receive_handover(address_, f);
        EXPECT_TRUE(over) << f.what;
        words.say("received");
        static_cast<void>(words.hear());
        if (over) over.complete();
    });
    begin();
    context_.run_for(5ms);
    context_.notify_fork(asio::io_context::fork_prepare);
    const pid_t child = ::fork();
    if (child == 0) {
        context_.notify_fork(asio::io_context::fork_child);
        failure f;
        offer_.add(ports_, "again", f);
        const bool is_refused = f.code == errc::forked;
        context_.run_for(5s);
        ::_exit(is_refused && has_ended_ && ended_ == errc::forked ? 0 : 1);
    }
    context_.notify_fork(asio::io_context::fork_parent);
    successor.channel().say("go");
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(hear(successor), "received");
    expect_passing();
    successor.channel().say("complete");
    for (int i = 0; i < 2'000 && !has_ended_; ++i) context_.run_for(1ms);
    EXPECT_TRUE(has_ended_);
    EXPECT_FALSE(ended_) << ended_.message();
    EXPECT_EQ(successor.wait(), 0);
}

TEST_F(handover_forks, a_child_of_the_successor_completes_nothing) {
    other_process successor([&](const word_channel& words) {
        static_cast<void>(words.hear());
        auto over = receive_handover(address_);
        error_code ec;
        auto ports = over.take_reservation("ports", ec);
        const pid_t child = ::fork();
        if (child == 0) {
            over.complete();
            over = {};
            ::_exit(0);
        }
        ::waitpid(child, nullptr, 0);
        words.say("received");
        static_cast<void>(words.hear());
    });
    begin();
    successor.channel().say("go");
    EXPECT_EQ(hear(successor), "received");
    expect_passing();
    successor.kill();
    successor.wait();
    expect_untouched();
}

class handover_ends : public offering_ports {};

// Whatever comes from a successor that has everything: only its end is one.
TEST_F(handover_ends, nothing_but_a_hang_up_takes_back_what_a_successor_has) {
    other_process successor([&](const word_channel& words) {
        static_cast<void>(words.hear());
        failure f;
        const auto line = handover_line::connect(address_, f);
        const auto hello = [] {
            handover_writer out(handover_verb::hello);
            out.put(detail::handover_version);
            return out;
        };
        EXPECT_EQ(ask(*line, hello()), handover_verb::offer);
        while (ask(*line, handover_writer(handover_verb::next)) == handover_verb::part) {
        }
        EXPECT_EQ(ask(*line, handover_writer(handover_verb::ready)), handover_verb::yours);
        const std::byte nonsense[] = {std::byte{1}, std::byte{2}};
        EXPECT_EQ(line->send({}, {}, {}), line_state::fine);
        EXPECT_EQ(line->send(nonsense, {}, {}), line_state::fine);
        EXPECT_EQ(line->send(detail::refusal({errc::no_memory, "no more", 0, 0}).bytes(), {}, {}), line_state::fine);
        EXPECT_EQ(line->send({}, {}, {}), line_state::fine);
        words.say(testing::Test::HasFailure() ? "failed" : "said it");
        static_cast<void>(words.hear());
    });
    begin();
    successor.channel().say("go");
    EXPECT_EQ(hear(successor), "said it");
    expect_passing();
    successor.kill();
    successor.wait();
    expect_untouched();
    EXPECT_NE(offer_.why().what.find("no more"), std::string::npos) << offer_.why().what;
}

// Nightly: it takes as long as a silence is borne.
TEST_F(handover_ends, a_successor_that_has_everything_and_is_silent_is_told_of_and_keeps_it) {
    if (std::getenv("BERTH_SILENCES") == nullptr) GTEST_SKIP() << "BERTH_SILENCES is not set: it takes six seconds";
    other_process successor([&](const word_channel& words) {
        static_cast<void>(words.hear());
        const auto over = receive_handover(address_);
        words.say("received");
        static_cast<void>(words.hear());
        ::_exit(0);
    });
    begin();
    successor.channel().say("go");
    EXPECT_EQ(hear(successor), "received");
    EXPECT_FALSE(offer_.why());
    context_.run_for(5'500ms);
    EXPECT_NE(offer_.why().what.find("five seconds"), std::string::npos) << offer_.why().what;
    expect_passing();
    successor.kill();
    successor.wait();
    expect_untouched();
}

TEST_F(handover_ends, a_port_that_is_kept_keeps_what_came) {
    other_process successor([&](const word_channel& words) {
        static_cast<void>(words.hear());
        auto over = receive_handover(address_);
        error_code ec;
        auto lobby = over.take("lobby", ec);
        over = {};
        words.say("kept");
        static_cast<void>(words.hear());
        expect_hears(lobby.io_handle(), lobby.port());
    });
    begin();
    successor.channel().say("go");
    EXPECT_EQ(hear(successor), "kept");
    for (int i = 0; i < 1'000 && !has_ended_; ++i) context_.run_for(1ms);
    EXPECT_TRUE(has_ended_) << "neither has it";
    EXPECT_FALSE(ended_) << ended_.message();
    error_code ec;
    lobby_.give_back(ec);
    successor.channel().say("serve");
    EXPECT_EQ(successor.wait(), 0);
}

TEST_F(handover_ends, a_socket_that_was_moved_out_keeps_what_came) {
    other_process successor([&](const word_channel& words) {
        static_cast<void>(words.hear());
        asio::io_context context;
        auto over = receive_handover(address_);
        error_code ec;
        auto ports = over.take_reservation("ports", ec);
        auto room = ports.take<asio::ip::udp::socket>(context.get_executor(), ec);
        const asio::ip::udp::socket mine(std::move(*room));
        room.give_back(ec);
        ports = {};
        over = {};
        words.say("kept");
        static_cast<void>(words.hear());
    });
    begin();
    successor.channel().say("go");
    EXPECT_EQ(hear(successor), "kept");
    for (int i = 0; i < 1'000 && !has_ended_; ++i) context_.run_for(1ms);
    EXPECT_TRUE(has_ended_) << "the predecessor has a port that the successor has";
    successor.channel().say("end");
    EXPECT_EQ(successor.wait(), 0);
}

TEST_F(handover_ends, what_was_released_goes_back_although_its_object_stays) {
    other_process successor([&](const word_channel& words) {
        static_cast<void>(words.hear());
        auto over = receive_handover(address_);
        error_code ec;
        auto ports = over.take_reservation("ports", ec);
        auto lobby = over.take("lobby", ec);
        lobby.give_back(ec);
        const auto core = detail::reservation_core::of(ports);  // as a thread that is about to draw has it
        failure f;
        ports.release(f);
        EXPECT_FALSE(f) << f.what;
        over = {};
        words.say("released");
        static_cast<void>(words.hear());
    });
    begin();
    successor.channel().say("go");
    EXPECT_EQ(hear(successor), "released");
    expect_untouched();
    successor.channel().say("end");
    EXPECT_EQ(successor.wait(), 0);
}

TEST_F(handover_ends, an_offer_that_is_over_says_so) {
    other_process successor([&](const word_channel& words) {
        static_cast<void>(words.hear());
        receive_handover(address_).complete();
    });
    begin();
    successor.channel().say("go");
    for (int i = 0; i < 2'000 && !has_ended_; ++i) context_.run_for(1ms);
    ASSERT_TRUE(has_ended_);
    has_ended_ = false;
    offer_.async_hand_over(context_, [this](error_code ec) { ended_ = ec, has_ended_ = true; });
    context_.restart();
    context_.run_for(1s);
    EXPECT_TRUE(has_ended_);
    EXPECT_EQ(ended_, errc::operation_not_supported) << ended_.message();
}

}  // namespace
}  // namespace berth::test
