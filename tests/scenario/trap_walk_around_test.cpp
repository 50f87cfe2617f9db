// Trap: TCP holders on one address, or of one family, can be walked around through the bucket's remembered reuse
// state.
//
// First a socket of the other family with SO_REUSEPORT, then a dual-stack one: both get in, the second one listens.
// A dual-stack holder stops the first step. TCP_REPAIR stops at nothing: it is outside the promise, and said so.
#include "scenario/trap_ground.hpp"

#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>

namespace {

using namespace traps;

struct step {
    int family;
    bool only_ipv6;
    std::uint32_t v4;
};
constexpr step v6only{AF_INET6, true, 0}, dual{AF_INET6, false, 0}, v4{AF_INET, false, INADDR_ANY},
    other_v4{AF_INET, false, INADDR_LOOPBACK + 1};
const std::vector<std::vector<step>> detours = {{v6only, dual}, {v4, dual}, {other_v4, dual}, {dual}, {dual, v6only}};

// How many sockets got in. Also by listen: it asks for the port once more.
int walk_around(std::uint16_t port) {
    int inside = 0;
    for (const auto& way : detours) {
        for (const bool reuse_address : {false, true}) {
            std::vector<descriptor> sockets;
            for (const auto& [family, only, address] : way) {
                sockets.push_back(make_socket(family, SOCK_STREAM, only));
                set_int(sockets.back(), SOL_SOCKET, SO_REUSEPORT, 1);
                set_int(sockets.back(), SOL_SOCKET, SO_REUSEADDR, reuse_address);
                sockaddr_in6 a6{};
                sockaddr_in a4 = loopback4(port);
                a6.sin6_family = AF_INET6, a6.sin6_port = htons(port), a4.sin_addr.s_addr = htonl(address);
                const int r = family == AF_INET6 ? ::bind(sockets.back(), name(a6), sizeof a6)
                                                 : ::bind(sockets.back(), name(a4), sizeof a4);
                if (r == 0) ++inside;
            }
        }
    }
    return inside;
}

int walk_around_as_another_user(std::uint16_t port) {
    doomed_process intruder([port](int) -> std::uint16_t {
        if (::setresgid(1000, 1000, 1000) != 0 || ::setresuid(1000, 1000, 1000) != 0) return 999;
        return static_cast<std::uint16_t>(1 + walk_around(port));
    });
    return intruder.hear() - 1;
}

void expect_closed(std::uint16_t port, const char* state) {
    EXPECT_EQ(walk_around(port), 0) << state;
    if (::geteuid() == 0) {
        EXPECT_EQ(walk_around_as_another_user(port), 0) << state << ", another user";
    }
}

TEST(trap_walk_around, plain_holders_of_one_family_are_walked_around) {  // else this file tests nothing
    const descriptor finder = bound_socket(AF_INET, SOCK_STREAM);
    const auto port = port_of(finder);
    EXPECT_GT(walk_around(port), 0);
}

struct block_shape {
    address_family family;
    const char* address;
};

TEST(trap_walk_around, blocks_of_one_family_or_one_address_are_not) {
    for (const auto& [family, address] :
         {block_shape{address_family::ipv4, "0.0.0.0"}, block_shape{address_family::ipv4, "127.0.0.1"},
          block_shape{address_family::ipv6, "::"}, block_shape{address_family::ipv6, "::1"},
          block_shape{address_family::dual, "::"}}) {
        for (const auto use : {tcp_use::listen, tcp_use::connect}) {
            SCOPED_TRACE(testing::Message() << address << (use == tcp_use::listen ? ", listening" : ", connecting"));
            berth::reservation_request request;
            request.block.count = 1;
            request.protocol = transport::tcp;
            request.use = use;
            request.family = family;
            request.address = asio::ip::make_address(address);
            auto reservation = port_reservation::reserve(request);
            const auto number = reservation.block().first;
            expect_closed(number, "parked");
            {
                auto port = take(reservation);
                expect_closed(number, "open");
                if (use == tcp_use::connect) {
                    const descriptor served = listener(family == address_family::ipv4 ? AF_INET : AF_INET6);
                    const auto to = loopback_for(family, speakers(family).front(), port_of(served));
                    EXPECT_EQ(connect_within(port.io_handle(), to, 1000), 0);
                    expect_closed(number, "connected");
                } else {
                    EXPECT_EQ(serves(port.io_handle(), speakers(family).front(), number), "");
                    expect_closed(number, "after a client");
                }
            }
            expect_closed(number, "given back");
        }
    }
}

TEST(trap_walk_around, an_intruder_with_tcp_repair_is_named_as_a_limit) {
    for (const auto preference : {parking::best, parking::system_calls}) {
        const auto limits = berth::query_capabilities(preference).limits;
        EXPECT_TRUE(std::any_of(limits.begin(), limits.end(), [](const std::string& sentence) {
            return sentence.find("TCP_REPAIR") != sentence.npos && sentence.find("CAP_NET_ADMIN") != sentence.npos;
        }));
    }
    berth::reservation_request request;
    request.protocol = transport::tcp;
    auto reservation = port_reservation::reserve(request);
    const descriptor intruder = make_socket(AF_INET6, SOCK_STREAM);
    const int on = 1;
    const bool permitted = ::setsockopt(intruder, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) == 0;
    sockaddr_in6 all{};
    all.sin6_family = AF_INET6, all.sin6_port = htons(reservation.block().first);
    EXPECT_EQ(::bind(intruder, name(all), sizeof all) == 0, permitted) << "is the limit still one?";
}

}  // namespace
