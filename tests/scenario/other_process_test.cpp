// Another process and a block: it gets no port of one that lives, its token opens nothing, and what it held is free
// again when it is killed.
#include "support/child_process.hpp"
#include "support/sockets.hpp"

#include <berth/associate.hpp>
#include <berth/port_reservation.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>

#include <gtest/gtest.h>

#include <sstream>
#include <thread>

namespace berth::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;
constexpr std::uint32_t ports = 8;

reservation_request both_protocols(port_block block) {
    reservation_request r;
    r.block = block;
    r.protocol = transport::tcp_and_udp;
    return r;
}

/// What a stranger gets of the block: "nothing", or what.
template <class Protocol>
std::string tries(port_block block, const char* name) {
    asio::io_context context;
    for (std::uint32_t i = 0; i < block.count; ++i) {
        const auto port = static_cast<std::uint16_t>(block.first + i);
        for (const bool shares : {false, true}) {
            for (const auto protocol : {Protocol::v4(), Protocol::v6()}) {
                typename Protocol::socket socket(context);
                error_code ec;
                if (socket.open(protocol, ec)) continue;
                if (shares) socket.set_option(asio::socket_base::reuse_address(true));
                socket.bind({protocol, port}, ec);
                if (!ec) return std::string(name) + " port " + std::to_string(port) + (shares ? ", sharing" : "");
            }
        }
    }
    return "nothing";
}

/// Every port by plain sockets.
bool can_bind_all(port_block block) {
    asio::io_context context;
    bool can = true;
    const auto try_one = [&](auto socket, auto endpoint) {
        error_code ec;
        socket.open(endpoint.protocol(), ec);
        if (!ec) socket.bind(endpoint, ec);
        can = can && !ec;
    };
    for (std::uint32_t i = 0; i < block.count; ++i) {
        const auto port = static_cast<std::uint16_t>(block.first + i);
        try_one(asio::ip::tcp::socket(context), asio::ip::tcp::endpoint(asio::ip::tcp::v6(), port));
        try_one(asio::ip::udp::socket(context), asio::ip::udp::endpoint(asio::ip::udp::v6(), port));
    }
    return can;
}

TEST(role, DISABLED_tries_all_ports) {
    port_block block;
    std::istringstream(child_word()) >> block.first >> block.count;
    const auto tcp = tries<asio::ip::tcp>(block, "TCP");
    say(tcp == "nothing" ? tries<asio::ip::udp>(block, "UDP") : tcp);
}

TEST(role, DISABLED_uses_a_token) {
    std::uint64_t value = 0;
    std::istringstream(child_word()) >> value;
    asio::io_context context;
    asio::ip::udp::socket socket(context, asio::ip::udp::v6());
    error_code ec;
    associate(socket, reservation_token(value), ec);
    say(ec ? ec.message() : "it was let in");
}

TEST(role, DISABLED_holds_and_uses_a_block) {
    auto mine = port_reservation::reserve(both_protocols({0, ports}));
    error_code ec;
    auto udp = mine.take(transport::udp, ec);
    auto door = mine.take(transport::tcp, ec);
    asio::io_context context;
    asio::ip::tcp::socket client(context);
    client.connect(asio::ip::tcp::endpoint(asio::ip::address_v6::loopback(), door.port()));
    say(std::to_string(mine.block().first));
    wait_to_be_killed();
}

TEST(another_process, gets_no_port_of_a_block_that_lives) {
    auto block = port_reservation::reserve(both_protocols({0, ports}));
    error_code ec;
    auto taken = block.take(transport::udp, ec);
    ASSERT_FALSE(ec) << ec.message();
    const auto where = std::to_string(block.block().first) + ' ' + std::to_string(ports);
    EXPECT_EQ(child_process("role.DISABLED_tries_all_ports", where).hear(), "nothing");
    taken.give_back(ec);
    EXPECT_EQ(child_process("role.DISABLED_tries_all_ports", where).hear(), "nothing");
    block.release();
    EXPECT_NE(child_process("role.DISABLED_tries_all_ports", where).hear(), "nothing") << "it would have got one";
}

TEST(another_process, is_refused_with_a_token_that_is_not_its_own) {
    auto block = port_reservation::reserve(both_protocols({0, ports}));
    const error_code refused = errc::invalid_token;
    EXPECT_EQ(child_process("role.DISABLED_uses_a_token", std::to_string(block.token().value())).hear(),
              refused.message());
}

TEST(another_process, that_is_killed_leaves_its_ports_at_once) {
    for (int round = 0; round < 3; ++round) {
        child_process holder("role.DISABLED_holds_and_uses_a_block", "");
        const auto heard = holder.hear();
        ASSERT_FALSE(heard.empty());
        const port_block block{static_cast<std::uint16_t>(std::stoi(heard)), ports};
        failure f;
        EXPECT_FALSE(port_reservation::reserve(both_protocols(block), f));
        EXPECT_EQ(f.code, errc::block_unavailable) << f.what;
        EXPECT_TRUE(block.contains(f.port)) << f.port;
        holder.kill();
        const auto killed = steady::now();
        // A reserve that fails looks for who is there, which by Wine takes seconds.
        while (!can_bind_all(block) && steady::now() < killed + 5s) std::this_thread::sleep_for(1ms);
        EXPECT_TRUE(port_reservation::reserve(both_protocols(block), f)) << f.what;
    }
}

}  // namespace
}  // namespace berth::test
