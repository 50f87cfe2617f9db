// A predecessor in the test's own process, for those who come and are not let in.
#pragma once

#include "scenario/handover_ground.hpp"

#include <asio/io_context.hpp>

namespace berth::test {

/// Offers a few ports in this process.
class offering_ground : public testing::Test {
protected:
    explicit offering_ground(const std::string& address = fresh_address()) : address_(address) {}
    void begin() {
        ports_ = port_reservation::reserve(udp_block(3));
        named_ = ports_.take();
        offer_ = handover_offer(address_);
        failure f;
        offer_.add(ports_, "ports", f);
        ASSERT_FALSE(f) << f.what;
        offer_.serve(ports_, transport::udp, named_.port(), "named", f);
        ASSERT_FALSE(f) << f.what;
        offer_.async_hand_over(context_, [this](error_code ec) { ended_ = ec, has_ended_ = true; });
    }
    void expect_untouched() {
        EXPECT_FALSE(has_ended_);
        expect_hears(named_.io_handle(), named_.port());
        expect_whole(ports_, transport::udp, 2);
    }
    const std::string address_;
    asio::io_context context_;
    port_reservation ports_;
    bound_port named_;
    handover_offer offer_;
    error_code ended_;
    bool has_ended_ = false;
};

}  // namespace berth::test
