// A server that was started again while its predecessor's ports were in use: it waits for them, and not for ever.
#include <berth/service/reserve_patiently.hpp>

#include <gtest/gtest.h>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include <sstream>
#include <thread>

namespace {

using namespace std::chrono_literals;
using asio::ip::udp;

class patient_reserve : public testing::Test {
protected:
    patient_reserve() { request_.block = {predecessor_.local_endpoint().port(), 1}; }

    asio::io_context context_;
    udp::socket predecessor_{context_, udp::endpoint(udp::v6(), 0)};
    berth::reservation_request request_;
    std::ostringstream out_;
    berth::service::logger log_{{.to = &out_}};
};

TEST_F(patient_reserve, ports_that_come_free_in_time_are_reserved_and_the_wait_is_logged) {
    std::thread end([this] {
        std::this_thread::sleep_for(150ms);
        predecessor_.close();
    });
    const auto begun = std::chrono::steady_clock::now();
    const auto reserved = berth::service::reserve_patiently(request_, log_, 30s);
    end.join();
    EXPECT_EQ(reserved.block(), request_.block);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 150ms);
    log_.flush();
    const std::string said = out_.str();
    EXPECT_NE(said.find("event=ports_in_use"), std::string::npos) << said;
    EXPECT_EQ(said.find("event=ports_in_use"), said.rfind("event=ports_in_use")) << "once";
}

TEST_F(patient_reserve, it_gives_up_with_what_was_said_last_and_waits_for_nothing_else) {
    const auto begun = std::chrono::steady_clock::now();
    try {
        static_cast<void>(berth::service::reserve_patiently(request_, log_, 100ms));
        FAIL() << "reserved a port that is in use";
    } catch (const berth::reservation_error& e) {
        EXPECT_EQ(e.code(), berth::errc::block_unavailable);
    }
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 60ms);
    request_.block.count = 0;
    EXPECT_THROW(static_cast<void>(berth::service::reserve_patiently(request_, log_, 1h)), berth::reservation_error);
}

}  // namespace
