// Draws by destination through a lane, over the simulated kernel: states, books, cool-down, condemned, release.
#include "outbound/destination.hpp"
#include "reservation_core.hpp"
#include "support/simulated_provider.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace berth::test {
namespace {

std::atomic<std::uint64_t> lane_time{1};
std::uint64_t read_lane_time() noexcept { return lane_time; }

outbound::destination toward(std::uint32_t n) {
    return outbound::destination({asio::ip::address_v4(0x0a000000 + n), 80});
}

class outbound_lane : public testing::Test {
protected:
    static reservation_request asked(std::uint32_t count, std::uint16_t sessions) {
        reservation_request r;
        r.block = {30000, count};
        r.protocol = transport::tcp;
        r.use = tcp_use::connect;
        r.sessions_per_port = sessions;
        return r;
    }
    detail::port_lane& make(const reservation_request& r) {
        failure f;
        core_ = detail::reservation_core::make(kernel_, r, f, read_lane_time);
        if (f) throw reservation_error(f);
        return *core_->lane(platform::port_kind::tcp_connect);
    }
    void TearDown() override {
        if (core_) {
            failure f;
            core_->release(f, if_taken::detach);
            core_.reset();
        }
        EXPECT_TRUE(kernel_.complaints().empty()) << kernel_.complaints().front();
        EXPECT_EQ(kernel_.holders(), 0u);
    }
    void expect_sum(std::uint32_t size) { EXPECT_EQ(core_->statistics().ports.total(), size); }

    simulated_provider kernel_;
    std::shared_ptr<detail::reservation_core> core_;
    error_code ec_;
};

TEST_F(outbound_lane, the_books_count_session_sockets_and_tuples) {
    auto& lane = make(asked(3, 4));
    EXPECT_EQ(core_->statistics().ports.available, 12u);
    EXPECT_EQ(kernel_.holders(), 3u);
    EXPECT_EQ(kernel_.sockets(), 12u);
    {
        auto a = lane.take_toward(toward(1), ec_), b = lane.take_toward(toward(1), ec_),
             c = lane.take_toward(toward(2), ec_);
        ASSERT_TRUE(a && b && c);
        EXPECT_NE(a.port(), b.port());
        auto plain = lane.take(ec_);
        EXPECT_EQ(core_->statistics().ports.open, 4u);
        EXPECT_EQ(core_->statistics().outbound.in_use, 3u);
        EXPECT_EQ(core_->statistics().outbound.destinations, 2u);
        expect_sum(12);
    }
    EXPECT_EQ(core_->statistics().ports.available, 12u);
    EXPECT_EQ(core_->statistics().outbound.in_use, 0u);
    expect_sum(12);
}

TEST_F(outbound_lane, a_socket_that_does_not_open_is_condemned_and_another_port_is_drawn) {
    auto& lane = make(asked(2, 1));
    kernel_.port(true, 30000).open_fails = true;
    for (int i = 0; i < 4; ++i) {
        const auto p = lane.take_toward(toward(1), ec_);
        ASSERT_TRUE(p) << ec_.message();
        EXPECT_EQ(p.port(), 30001);
    }
    EXPECT_EQ(core_->statistics().outbound.in_use, 0u) << "the tuple of a condemned socket is free again";
    kernel_.port(true, 30000).open_fails = false;
    auto one = lane.take_toward(toward(1), ec_);
    auto two = lane.take_toward(toward(1), ec_);
    EXPECT_TRUE(one && two) << ec_.message();
    expect_sum(2);
}

TEST_F(outbound_lane, a_spoilt_socket_frees_its_tuple_and_is_renewed) {
    auto& lane = make(asked(1, 2));
    kernel_.port(true, 30000, 0).park_condemns = kernel_.port(true, 30000, 1).park_condemns = true;
    lane.take_toward(toward(1), ec_).give_back(ec_);
    EXPECT_EQ(core_->statistics().ports.condemned, 1u);
    EXPECT_EQ(core_->statistics().outbound.in_use, 0u);
    EXPECT_TRUE(lane.take_toward(toward(1), ec_)) << "by the other one";
    kernel_.port(true, 30000, 0).park_condemns = kernel_.port(true, 30000, 1).park_condemns = false;
    EXPECT_EQ(core_->reclaim(), 2u);
    EXPECT_EQ(core_->statistics().ports.available, 2u);
}

TEST_F(outbound_lane, while_a_session_rests_its_tuple_does_and_its_port_serves_others) {
    auto request = asked(1, 2);
    request.cool_down = std::chrono::milliseconds(50);
    auto& lane = make(request);
    lane.take_toward(toward(1), ec_).give_back(ec_);
    EXPECT_EQ(core_->statistics().ports.cooling, 1u);
    EXPECT_EQ(core_->statistics().outbound.in_use, 1u);
    EXPECT_FALSE(lane.take_toward(toward(1), ec_));
    EXPECT_EQ(ec_, errc::block_exhausted);
    EXPECT_TRUE(lane.take_toward(toward(2), ec_));
    lane_time += 60'000'000;
    EXPECT_TRUE(lane.take_toward(toward(1), ec_)) << ec_.message();
    expect_sum(2);
}

TEST_F(outbound_lane, a_given_port_is_one_of_its_session_sockets) {
    auto& lane = make(asked(2, 2));
    auto a = lane.take_port(30001, ec_), b = lane.take_port(30001, ec_);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a.port(), 30001);
    EXPECT_EQ(b.port(), 30001);
    EXPECT_FALSE(lane.take_port(30001, ec_));
    EXPECT_EQ(ec_, errc::port_taken);
    EXPECT_TRUE(lane.take_port(30000, ec_));
    EXPECT_FALSE(lane.take_pair(ec_)[0]);
    EXPECT_EQ(ec_, errc::operation_not_supported);
}

TEST_F(outbound_lane, a_release_is_refused_with_the_number_of_sockets_out_and_detaches_each) {
    auto& lane = make(asked(2, 2));
    auto a = lane.take_toward(toward(1), ec_), b = lane.take_toward(toward(2), ec_);
    failure f;
    core_->release(f, if_taken::refuse);
    EXPECT_EQ(f.code, errc::reservation_busy);
    EXPECT_EQ(f.count, 2u);
    EXPECT_TRUE(lane.take_toward(toward(3), ec_)) << "as before";
    core_->release(f, if_taken::detach);
    EXPECT_FALSE(lane.take_toward(toward(3), ec_));
    EXPECT_EQ(ec_, errc::reservation_released);
    EXPECT_GE(kernel_.holders(), 1u);
    a.give_back(ec_), b.give_back(ec_);
    EXPECT_EQ(kernel_.holders(), 0u);
    EXPECT_EQ(kernel_.sockets(), 0u);
}

TEST_F(outbound_lane, requests_that_cannot_be_name_the_member) {
    const auto refused = [&](auto change) {
        auto r = asked(2, 4);
        change(r);
        failure f;
        EXPECT_EQ(detail::reservation_core::make(kernel_, r, f), nullptr);
        EXPECT_EQ(f.code, errc::invalid_argument);
        EXPECT_NE(f.what.find("sessions_per_port"), std::string::npos) << f.what;
    };
    refused([](auto& r) { r.sessions_per_port = 0; });
    refused([](auto& r) { r.protocol = transport::udp; });
    refused([](auto& r) { r.protocol = transport::tcp_and_udp; });
    refused([](auto& r) { r.use = tcp_use::listen; });
    refused([](auto& r) { r.block.count = 20'000; });
}

TEST_F(outbound_lane, a_reserve_that_fails_at_any_step_leaves_nothing) {
    for (std::uint32_t n = 0;; ++n) {
        ASSERT_LT(n, 100u);
        kernel_.fail_step(n, errc::too_many_files);
        failure f;
        const auto core = detail::reservation_core::make(kernel_, asked(2, 3), f);
        if (core) {
            EXPECT_EQ(n, 8u) << "prepare, six session sockets, seal";
            core->release(f, if_taken::refuse);
            break;
        }
        EXPECT_EQ(kernel_.holders(), 0u) << n;
        EXPECT_EQ(kernel_.sockets(), 0u) << n;
    }
}

}  // namespace
}  // namespace berth::test
