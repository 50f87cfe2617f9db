// Trap: while reserve binds, others can get in unnoticed, and take what comes for the port.
//
// Deterministic: an intruder tries once, at one boundary between two of reserve's system calls; every boundary and
// every kind of intruder in turn. Whoever is inside when reserve ends must have made it fail, by name; and a reserve
// that failed holds nothing any more.
#include "platform/linux/linux_provider.hpp"
#include "reservation_core.hpp"
#include "scenario/trap_ground.hpp"
#include "unit/linux/forwarding_calls.hpp"

#include <netinet/tcp.h>

namespace {

using namespace traps;
using berth::detail::reservation_core;

struct way_in {
    const char* name;
    int family;
    bool only_ipv6, reuse_address, reuse_port;
    int interface;  // device-bound: the kernel looks for no such device
    std::uint32_t v4;
};
constexpr int nowhere = 0x7ffffff3;
constexpr way_in ways[] = {
    {"0.0.0.0", AF_INET, false, true, false, 0, INADDR_ANY},
    {"127.0.0.2", AF_INET, false, true, false, 0, INADDR_LOOPBACK + 1},
    {"[::]", AF_INET6, false, true, false, 0, 0},
    {"[::] v6 only", AF_INET6, true, true, false, 0, 0},
    {"0.0.0.0, both flags", AF_INET, false, true, true, 0, INADDR_ANY},
    {"[::] v6 only, without flags", AF_INET6, true, false, false, 0, 0},
    {"0.0.0.0, device-bound", AF_INET, false, true, false, nowhere, INADDR_ANY},
    {"[::], device-bound, without flags", AF_INET6, false, false, false, nowhere, 0},
};

descriptor try_to_enter(const way_in& way, int type, std::uint16_t port) {
    descriptor fd = make_socket(way.family, type, way.only_ipv6);
    if (way.reuse_address) set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (way.reuse_port) set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (way.interface != 0) set_int(fd, SOL_SOCKET, 62 /* SO_BINDTOIFINDEX */, way.interface);
    sockaddr_in a4 = loopback4(port);
    a4.sin_addr.s_addr = htonl(way.v4);
    sockaddr_in6 a6{};
    a6.sin6_family = AF_INET6, a6.sin6_port = htons(port);
    const int r = way.family == AF_INET ? ::bind(fd, name(a4), sizeof a4) : ::bind(fd, name(a6), sizeof a6);
    return r == 0 ? std::move(fd) : descriptor();
}

// Counts the calls that change something, from the first bind of the port on, and lets the intruder in before one.
class intruded_calls final : public forwarding_calls {
public:
    intruded_calls(const way_in& way, int type, std::uint16_t port, int at, bool repair)
        : way_(way), type_(type), port_(port), at_(at), repair_(repair) {}

    int bind(int fd, const sockaddr* a, socklen_t n) noexcept override {
        sockaddr_in6 named{};
        std::memcpy(&named, a, std::min<std::size_t>(n, sizeof named));
        if (ntohs(named.sin6_port) == port_) started_ = true;
        boundary();
        return forwarding_calls::bind(fd, a, n);
    }
    int listen(int fd, int backlog) noexcept override {
        boundary();
        return forwarding_calls::listen(fd, backlog);
    }
    int connect(int fd, const sockaddr* a, socklen_t n) noexcept override {
        boundary();
        return forwarding_calls::connect(fd, a, n);
    }
    int setsockopt(int fd, int level, int number, const void* v, socklen_t n) noexcept override {
        if (!repair_ && level == IPPROTO_TCP && number == TCP_REPAIR) return -EPERM;
        boundary();
        return forwarding_calls::setsockopt(fd, level, number, v, n);
    }

    [[nodiscard]] bool got_there() const { return step_ > at_; }
    [[nodiscard]] const descriptor& intruder() const { return inside_; }
    void leave() { inside_.close(); }

private:
    void boundary() noexcept {
        if (started_ && step_++ == at_) inside_ = try_to_enter(way_, type_, port_);
    }

    const way_in& way_;
    int type_;
    std::uint16_t port_;
    int at_;
    bool repair_, started_ = false;
    int step_ = 0;
    descriptor inside_;
};

struct tally {
    int tries = 0, entered = 0;
};

void expect_noticed(const berth::failure& f, const intruded_calls& calls) {
    EXPECT_EQ(f.code, errc::block_unavailable) << f.what;
    EXPECT_NE(f.what.find("uid " + std::to_string(::geteuid())), f.what.npos) << f.what;
    EXPECT_NE(f.what.find("inode " + std::to_string(inode_of(calls.intruder()))), f.what.npos) << f.what;
}

tally attack(berth::reservation_request request, bool repair) {
    request.block.first = port_reservation::reserve(request).block().first;  // free a moment ago, and now again
    const auto port = request.block.first;
    const int type = request.protocol == transport::udp ? SOCK_DGRAM : SOCK_STREAM;
    tally sum;
    for (const way_in& way : ways) {
        for (int step = 0;; ++step) {
            SCOPED_TRACE(testing::Message() << way.name << " before call " << step << ", port " << port);
            intruded_calls calls(way, type, port, step, repair);
            berth::platform::linux_provider provider(calls);
            berth::failure f;
            auto core = reservation_core::make(provider, request, f);
            if (!calls.got_there()) break;
            ++sum.tries;
            const bool is_inside = calls.intruder() >= 0;
            sum.entered += is_inside;
            EXPECT_EQ(static_cast<bool>(core), !is_inside) << f.what;
            if (is_inside) expect_noticed(f, calls);
            if (core) core->release(f, berth::if_taken::refuse);
            core.reset();
            calls.leave();
            EXPECT_EQ(try_bind(AF_INET, type, port), 0) << "half held";
            EXPECT_EQ(try_bind(AF_INET6, type, port), 0) << "half held";
            if (testing::Test::HasFailure()) return sum;
        }
    }
    return sum;
}

berth::reservation_request ask(transport protocol, address_family family, tcp_use use = tcp_use::listen) {
    berth::reservation_request request;
    request.protocol = protocol;
    request.family = family;
    request.use = use;
    return request;
}

TEST(trap_reserve_window, nobody_slips_into_a_udp_block_unnoticed) {
    for (const auto family : families) {
        const auto sum = attack(ask(transport::udp, family), true);
        EXPECT_GT(sum.entered, 0) << "of " << sum.tries << ": the device-bound one can";
    }
}

TEST(trap_reserve_window, nobody_slips_into_a_tcp_block_unnoticed_while_the_flag_is_toggled) {
    for (const auto family : families) {
        for (const auto use : {tcp_use::listen, tcp_use::connect}) {
            const auto sum = attack(ask(transport::tcp, family, use), false);
            EXPECT_GT(sum.entered, 0) << "of " << sum.tries << ": somebody can";
        }
    }
}

TEST(trap_reserve_window, nobody_slips_into_a_tcp_block_unnoticed_where_the_order_of_calls_is_privileged) {
    if (berth::query_capabilities().hold_tcp != berth::hold_method::repair) GTEST_SKIP() << "no CAP_NET_ADMIN";
    for (const auto family : families) {
        for (const auto use : {tcp_use::listen, tcp_use::connect}) {
            const auto sum = attack(ask(transport::tcp, family, use), true);
            EXPECT_GT(sum.tries, 0);
        }
    }
}

}  // namespace
