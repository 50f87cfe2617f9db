// The 16 bits in which the ring of lent buffers counts go round many times, and every datagram comes once and whole.
#include <berth/udp_socket.hpp>

#include <asio.hpp>

#include <cstdint>
#include <cstring>

#include "unit/io/by_backend.hpp"

namespace {

using namespace io_test;
using asio::ip::udp;

class lending_age : public by_backend {};
BERTH_BY_BACKEND(lending_age);

TEST_P(lending_age, buffers_are_lent_more_often_than_16_bits_count) {
    constexpr std::uint32_t datagrams = 70'000;
    context_ = patient_context({.backend = GetParam(), .lent_buffer_size = 512, .lent_buffer_count = 4});
    berth::udp_socket server(context(), udp::endpoint(asio::ip::address_v4::loopback(), 0));
    asio::io_context others;
    udp::socket sender(others, udp::v4());
    sender.connect(server.local_endpoint());
    std::uint32_t sent = 0, came = 0, wrong = 0;
    const auto send = [&] {
        for (int i = 0; i < 16 && sent < datagrams; ++i, ++sent) sender.send(asio::buffer(&sent, sizeof sent));
    };
    server.async_receive_each([&](error_code ec, berth::datagram d) {
        if (ec) return;
        std::uint32_t number = ~0u;
        if (d.payload.size() == sizeof number) std::memcpy(&number, d.payload.data(), sizeof number);
        if (number != came) ++wrong;
        if (++came == datagrams) server.close();
        if (came == sent) send();
    });
    send();
    context().run_for(30s);
    EXPECT_EQ(came, datagrams);
    EXPECT_EQ(wrong, 0u);
}

}  // namespace
