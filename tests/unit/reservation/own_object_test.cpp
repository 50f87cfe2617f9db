// Asio's own objects in the documents' two steps: bound to a port of the block, or refused in words and as they were.
#include <berth/associate.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>

#include <gtest/gtest.h>

#include <string>

namespace berth::test {
namespace {

template <class Object, class Protocol>
void is_bound_or_refused_in_words(const port_reservation& ports, Protocol protocol) {
    asio::io_context context;
    Object object(context, protocol);
    error_code ec;
    associate(object, ports.token(), ec);
    ASSERT_FALSE(ec) << ec.message();
    failure f;
    bind(object, bind_endpoint{}, f);
    if (f.code == asio::error::operation_not_supported) {  // Windows before 8.1, and Wine
        EXPECT_NE(f.what.find("does not let go"), std::string::npos) << f.what;
        EXPECT_TRUE(object.is_open());
        GTEST_SKIP() << f.what;
    }
    ASSERT_FALSE(f) << f.code << ' ' << f.what;
    EXPECT_TRUE(ports.block().contains(object.local_endpoint().port()));
    EXPECT_EQ(object.local_endpoint().protocol(), protocol);
    give_back(object, ec);
    EXPECT_FALSE(ec) << ec.message();
}

TEST(own_object, of_ipv4_is_bound_to_a_port_of_the_block) {
    reservation_request request;
    request.block = {0, 2};
    request.family = address_family::ipv4;
    request.protocol = transport::tcp;
    is_bound_or_refused_in_words<asio::ip::tcp::acceptor>(port_reservation::reserve(request), asio::ip::tcp::v4());
    if (testing::Test::IsSkipped()) return;
    request.protocol = transport::udp;
    is_bound_or_refused_in_words<asio::ip::udp::socket>(port_reservation::reserve(request), asio::ip::udp::v4());
}

TEST(own_object, of_ipv6_is_bound_to_a_port_of_the_block) {
    reservation_request request;
    request.block = {0, 2};
    request.protocol = transport::tcp;
    is_bound_or_refused_in_words<asio::ip::tcp::acceptor>(port_reservation::reserve(request), asio::ip::tcp::v6());
    if (testing::Test::IsSkipped()) return;
    request.protocol = transport::udp;
    is_bound_or_refused_in_words<asio::ip::udp::socket>(port_reservation::reserve(request), asio::ip::udp::v6());
}

TEST(own_object, that_is_not_open_is_refused_in_words) {
    asio::io_context context;
    asio::ip::udp::socket closed(context);
    failure f;
    bind(closed, bind_endpoint{}, f);
    EXPECT_EQ(f.code, errc::not_a_socket);
    EXPECT_FALSE(f.what.empty());
    error_code ec;
    give_back(closed, ec);
    EXPECT_EQ(ec, errc::not_a_socket);
}

}  // namespace
}  // namespace berth::test
