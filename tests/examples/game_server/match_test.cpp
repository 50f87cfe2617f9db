// A match on a real port: its traffic class goes out with it, and leaves with it, and so does all that was sent to
// it.
#include "match.hpp"

#include <berth/steady_timer.hpp>

#include <gtest/gtest.h>

namespace {

using namespace game;
using namespace std::chrono_literals;

class game_match : public testing::Test {
protected:
    void SetUp() override {
        berth::reservation_request request;
        request.block = {.first = 0, .count = 1};
        request.family = berth::address_family::ipv4;
        request.address = asio::ip::address_v4::loopback();
        pool_.emplace(request, std::initializer_list<berth::io_context*>{&loop_});
        berth::error_code failed;
        pool_->async_start([&](berth::error_code ec) { failed = ec; });
        loop_.run();
        loop_.restart();
        ASSERT_FALSE(failed) << pool_->failure().what;
    }
    std::shared_ptr<match> open(int traffic_class) {
        berth::error_code ec;
        auto made = match::open(*pool_, 0, 1, {{}, traffic_class}, jar_, metrics_, ec);
        EXPECT_FALSE(ec) << ec.message();
        return made;
    }
    /// The traffic class of the answer to an enter.
    int class_of_an_answer(match& m) {
        m.room().admit(1, 5, clock::now());
        berth::udp_socket player(loop_, asio::ip::udp::v4());
        player.receive_details(berth::datagram_details::traffic_class);
        std::array<std::byte, largest_packet> out;
        const std::size_t size = write(out, enter{1, 5, 0});
        player.send_to(asio::buffer(out.data(), size), {asio::ip::address_v4::loopback(), m.port()});
        int heard = -1;
        loop_.restart();
        player.async_receive_each([&](berth::error_code ec, berth::datagram d) {
            if (!ec) heard = d.traffic_class;
        });
        for (int i = 0; i < 200 && heard < 0; ++i) loop_.run_for(10ms);
        return heard;
    }

    berth::io_context loop_;
    std::optional<berth::listener_pool> pool_;
    cookie_jar jar_;
    berth::service::metric_registry registry_;
    game_metrics metrics_{registry_};
};

TEST_F(game_match, its_traffic_class_goes_with_its_datagrams_and_not_with_its_port) {
    auto first = open(34 << 2);
    const auto port = first->port();
    EXPECT_EQ(class_of_an_answer(*first), 34 << 2);
    first->close(why::over);
    first.reset();
    loop_.poll();
    auto second = open(0);
    EXPECT_EQ(second->port(), port) << "there is no other";
    EXPECT_EQ(class_of_an_answer(*second), 0) << "given back, it is as it was";
    second->close(why::over);
}

TEST_F(game_match, what_is_sent_to_one_that_has_ended_never_reaches_the_next_on_its_port) {
    auto first = open(0);
    const asio::ip::udp::endpoint at(asio::ip::address_v4::loopback(), first->port());
    berth::udp_socket late(loop_, asio::ip::udp::v4());
    const auto send_some = [&] {
        for (int i = 0; i < 50; ++i) late.send_to(asio::buffer("late", 4), at);
    };
    send_some();
    first->close(why::over);
    send_some();
    auto second = open(0);
    loop_.run_for(50ms);
    EXPECT_EQ(metrics_.received.value(), 0u);
    EXPECT_EQ(metrics_.malformed.value(), 0u);
    send_some();
    for (int i = 0; i < 200 && metrics_.malformed.value() < 50; ++i) loop_.run_for(10ms);
    EXPECT_EQ(metrics_.malformed.value(), 50u) << "and what is sent to it does";
    second->close(why::over);
}

}  // namespace
