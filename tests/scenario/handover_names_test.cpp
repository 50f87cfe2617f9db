// A name goes across with the session that it was given for, whatever changes while it does.
#include "scenario/handover_ground.hpp"

#include "handover/wire.hpp"

#include <unistd.h>
#include <asio/io_context.hpp>

#include <cstring>
#include <functional>
#include <set>
#include <sstream>

namespace berth::test {
namespace {

std::function<void(const char*)> at_step;
void call_at_step(const char* step) { at_step(step); }

/// All names that a successor got, and then what it got by each.
class handover_names : public testing::Test {
protected:
    ~handover_names() override { detail::at_handover_step = nullptr; }
    void reserve(std::uint32_t count) {
        reservation_request request;
        request.block = {0, count};
        ports_ = port_reservation::reserve(request);
        offer_ = handover_offer(address_);
        offer_.add(ports_, "ports", f_);
        ASSERT_FALSE(f_) << f_.what;
    }
    void name(const bound_port& port, const std::string& text) {
        offer_.serve(ports_, transport::udp, port.port(), text, f_);
        ASSERT_FALSE(f_) << f_.what;
    }
    std::set<std::string> hand_over() {
        detail::at_handover_step = at_step ? call_at_step : nullptr;
        asio::io_context context;
        offer_.async_hand_over(context, [](error_code ec) { EXPECT_FALSE(ec) << ec.message(); });
        successor_.channel().say("go");
        context.run_for(std::chrono::seconds(10));
        detail::at_handover_step = nullptr;
        at_step = {};
        std::set<std::string> names;
        std::string part;
        for (std::istringstream all(successor_.channel().hear()); all >> part;) names.insert(part);
        EXPECT_EQ(successor_.wait(), 0);
        return names;
    }
    const std::string address_ = fresh_address();
    other_process successor_{[this](const word_channel& words) {
        static_cast<void>(words.hear());
        failure f;
        auto over = receive_handover(address_, f);
        EXPECT_TRUE(over) << f.what;
        std::string all;  // the first ones of those with many
        std::set<std::string> names;
        for (const auto& p : over.ports()) names.insert(p.name);
        for (const auto& n : names) {
            if (all.size() + n.size() < 500) all += n + ' ';
        }
        all = std::to_string(over.ports().size()) + "_in_all " + all;
        over.complete();
        words.say(all.substr(0, 510));
    }};
    port_reservation ports_;
    handover_offer offer_;
    failure f_;
    error_code ec_;
};

constexpr std::uint32_t names = 150;  // more than a message has

TEST_F(handover_names, one_given_back_in_between_costs_no_other) {
    reserve(300);
    std::vector<bound_port> served;
    for (std::uint32_t i = 0; i < names; ++i) name(served.emplace_back(ports_.take()), std::to_string(i));
    int answers = 0;
    at_step = [&](const char* step) {
        if (std::strcmp(step, "answered") == 0 && ++answers == 8) served[5].give_back(ec_);
    };
    const auto got = hand_over();
    EXPECT_EQ(got.count("149_in_all"), 1u) << *got.rbegin();
    EXPECT_EQ(got.count("100"), 1u);
    EXPECT_EQ(got.count("101"), 1u);
}

TEST_F(handover_names, one_named_anew_in_between_comes_once) {
    reserve(300);
    std::vector<bound_port> served;
    for (std::uint32_t i = 0; i < names; ++i) name(served.emplace_back(ports_.take()), std::to_string(i));
    int answers = 0;
    at_step = [&](const char* step) {
        if (std::strcmp(step, "answered") == 0 && ++answers == 8) name(served[5], "other");
    };
    EXPECT_EQ(hand_over().count("150_in_all"), 1u);
}

TEST_F(handover_names, a_session_that_was_not_named_has_none) {
    reserve(2);
    auto lobby = ports_.take();
    const auto number = lobby.port();
    name(lobby, "lobby");
    lobby.give_back(ec_);
    const auto room = ports_.take_port(number, ec_);
    ASSERT_TRUE(room) << ec_.message();
    EXPECT_EQ(hand_over(), std::set<std::string>{"0_in_all"});
}

TEST_F(handover_names, a_session_that_begins_after_the_names_went_across_has_none) {
    reserve(2);
    auto lobby = ports_.take();
    auto voice = ports_.take();
    const auto number = lobby.port();
    name(lobby, "lobby");
    name(voice, "voice");
    at_step = [&](const char* step) {
        if (std::strcmp(step, "freezing") != 0) return;
        lobby.give_back(ec_);
        lobby = ports_.take_port(number, ec_);
        EXPECT_TRUE(lobby) << ec_.message();
    };
    EXPECT_EQ(hand_over(), (std::set<std::string>{"1_in_all", "voice"}));
}

}  // namespace
}  // namespace berth::test
