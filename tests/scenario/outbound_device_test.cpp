// A block on a device: its connections leave there whatever the routes say, through every give back and renewal.
//
// Two pairs of virtual interfaces; the route leads over the first. Nobody answers: what counts is where the question
// went out, which the interfaces count, and that loopback is out of reach for who is bound to another device.
#include <berth/cancel_after.hpp>
#include <berth/io_context.hpp>
#include <berth/outbound.hpp>
#include <berth/tcp_socket.hpp>

#include "scenario/loopback.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace berth::test {
namespace {

using asio::ip::tcp;
using namespace std::chrono_literals;
using namespace std::string_literals;

class outbound_device : public testing::Test {
protected:
    void SetUp() override {
        if (std::getenv("BERTH_OWN_NAMESPACE") == nullptr)
            GTEST_SKIP() << "interfaces are made as root, in a namespace of the test's own";
        if (std::system("ip link add near0 type veth peer name far0 2>/dev/null && "
                        "ip link add near1 type veth peer name far1 2>/dev/null") != 0)
            GTEST_SKIP() << "no virtual interfaces: no ip (Debian: iproute2), or a kernel without veth";
        ASSERT_EQ(std::system("for i in near0 near1 far0 far1; do "
                              "echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; ip link set $i up || exit 1; done; "
                              "ip addr add 10.77.0.1/24 dev near0 && ip route add 10.88.0.0/24 dev near0"),
                  0);
    }
    void TearDown() override {
        for (const char* device : {"near0", "near1"})
            if (std::system(("ip link del "s + device + " 2>/dev/null").c_str()) != 0) continue;
    }

    /// Packets that went out there.
    static long sent(const char* device) {
        long count = -1;
        std::ifstream table("/proc/net/dev");
        for (std::string line; std::getline(table, line);) {
            const std::size_t at = line.find(device + ":"s);
            if (at == line.npos) continue;
            std::istringstream figures(line.substr(at + std::string(device).size() + 1));
            for (int i = 0; i < 10 && figures >> count;) ++i;  // the tenth
        }
        return count;
    }
    static reservation_request request_on(const std::string& device) {
        reservation_request r;
        r.block.count = 2;
        r.protocol = transport::tcp;
        r.family = address_family::ipv4;
        r.use = tcp_use::connect;
        r.sessions_per_port = 2;
        r.device = device;
        return r;
    }
    static std::string device_of(int fd) {
        char name[64] = {};
        socklen_t size = sizeof name;
        ::getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size);
        return name;
    }
    /// Nobody answers there; a moment is enough for the question.
    void knock(port_reservation& from) {
        error_code ec;
        from.async_connect<tcp_socket>(context_.get_executor(), tcp::endpoint(asio::ip::make_address("10.88.0.5"), 9),
                                       cancel_after(30ms, [&](error_code e, bound<tcp_socket>) { ec = e; }));
        context_.restart();
        context_.run();
        EXPECT_TRUE(ec);
    }

    io_context context_;
};

TEST_F(outbound_device, connections_leave_there_whatever_the_routes_say) {
    auto routed = port_reservation::reserve(request_on(""));
    auto bound_to_it = port_reservation::reserve(request_on("near1"));
    const long before0 = sent("near0"), before1 = sent("near1");
    knock(routed);
    const long after_route0 = sent("near0"), after_route1 = sent("near1");
    EXPECT_GT(after_route0, before0);
    EXPECT_EQ(after_route1, before1);
    for (int i = 0; i < 6; ++i) knock(bound_to_it);  // more often than there are session sockets
    EXPECT_EQ(sent("near0"), after_route0);
    EXPECT_GT(sent("near1"), after_route1);
}

TEST_F(outbound_device, another_device_reaches_nothing_on_loopback) {
    const destination listener;
    const tcp::endpoint there(asio::ip::address_v4::loopback(), listener.port);
    auto on_loopback = port_reservation::reserve(request_on("lo"));
    auto on_another = port_reservation::reserve(request_on("near0"));
    for (int i = 0; i < 8; ++i) {
        error_code ec;
        const auto one = on_loopback.connect<tcp_socket>(context_.get_executor(), there, ec);
        EXPECT_FALSE(ec) << ec.message();
        std::optional<error_code> heard;
        on_another.async_connect<tcp_socket>(context_.get_executor(), there,
                                             cancel_after(50ms, [&](error_code e, bound<tcp_socket>) { heard = e; }));
        context_.restart();
        context_.run();
        ASSERT_TRUE(heard);
        EXPECT_TRUE(*heard);
        const int client = accept_within(listener.fd);
        EXPECT_GE(client, 0);
        if (client >= 0) close_hard(client);
    }
}

TEST_F(outbound_device, a_device_that_a_user_took_off_is_put_back) {
    auto ports = port_reservation::reserve(request_on("near1"));
    for (int i = 0; i < 8; ++i) {
        auto port = ports.take();
        EXPECT_EQ(device_of(port.native_handle()), "near1");
        ASSERT_EQ(::setsockopt(port.native_handle(), SOL_SOCKET, SO_BINDTODEVICE, "", 0), 0);
        EXPECT_EQ(device_of(port.native_handle()), "");
    }
    for (int i = 0; i < 8; ++i) {  // and one that is closed is replaced by one of the device
        auto port = ports.take();
        EXPECT_EQ(device_of(port.native_handle()), "near1");
        if (i % 2 == 0) ::close(port.native_handle());
        error_code ignored;
        port.give_back(ignored);
        ports.reclaim();
    }
    const auto books = ports.statistics();
    EXPECT_EQ(books.ports.available, 4U);
    EXPECT_GE(books.renewed, 1U);
}

TEST_F(outbound_device, what_cannot_be_is_refused_by_name) {
    failure f;
    EXPECT_FALSE(port_reservation::reserve(request_on("no-such-device"), f));
    EXPECT_EQ(f.code, errc::invalid_argument);
    EXPECT_NE(f.what.find("'no-such-device'"), f.what.npos) << f.what;
    EXPECT_FALSE(port_reservation::reserve(request_on("near0-and-far-too-long"), f));
    EXPECT_EQ(f.code, errc::invalid_argument);
    auto udp = request_on("near0");
    udp.protocol = transport::udp;
    udp.sessions_per_port = 1;
    EXPECT_FALSE(port_reservation::reserve(udp, f));
    EXPECT_EQ(f.code, errc::invalid_argument);
    EXPECT_NE(f.what.find("'near0'"), f.what.npos) << f.what;
    auto listener = request_on("near0");
    listener.use = tcp_use::listen;
    listener.sessions_per_port = 1;
    EXPECT_FALSE(port_reservation::reserve(listener, f));
    EXPECT_EQ(f.code, errc::invalid_argument);
}

}  // namespace
}  // namespace berth::test
