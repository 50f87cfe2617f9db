// A visitor comes after every single call of reserve, binds wherever it may, leaves at once, and opens no door.
//
// Why: TCP remembers per port whether, and for which uid, SO_REUSEPORT sockets may join. A visitor with both reuse
// flags sets that memory and is gone before the closing check; afterwards its uid could bind the port at will, past a
// holder without any flag, until some socket without SO_REUSEPORT is bound there. The race itself is rare
// (reserve_under_attack_test); here the visitor is in this process and never too late.
#include "plain_sockets.hpp"
#include "platform/linux/linux_provider.hpp"
#include "reservation_core.hpp"
#include "unit/linux/forwarding_calls.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace berth::test {
namespace {

enum class repair : bool { permitted, refused };

/// Returns how many binds succeeded. The last ones are those that the kernel remembers: both flags on.
int visit(attacked what, std::uint16_t port) {
    int entered = 0;
    for (const auto [reuse_address, reuse_port] : {std::array{0, 0}, {1, 0}, {0, 1}, {1, 1}})
        for (const bool only_ipv6 : {false, true})
            for (const int family : {AF_INET, AF_INET6}) {
                if (family == AF_INET && only_ipv6) continue;
                const int s = new_socket(family, what);
                const int on = only_ipv6;
                if (family == AF_INET6) setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
                set_flag(s, SO_REUSEADDR, reuse_address);
                set_flag(s, SO_REUSEPORT, reuse_port);
                entered += bind_port(s, port);
                close(s);
            }
    return entered;
}

class visited_calls : public berth_test::forwarding_calls {
public:
    visited_calls(attacked what, std::uint16_t port, repair r) : repair_(r), what_(what), port_(port) {}
    int bind(int fd, const sockaddr* a, socklen_t n) noexcept override {
        return after(forwarding_calls::bind(fd, a, n));
    }
    int listen(int fd, int n) noexcept override { return after(forwarding_calls::listen(fd, n)); }
    int connect(int fd, const sockaddr* a, socklen_t n) noexcept override {
        return after(forwarding_calls::connect(fd, a, n));
    }
    int setsockopt(int fd, int level, int name, const void* v, socklen_t n) noexcept override {
        if (repair_ == repair::refused && level == IPPROTO_TCP && name == TCP_REPAIR) return -EPERM;
        return after(forwarding_calls::setsockopt(fd, level, name, v, n));
    }
    [[nodiscard]] int entered() const { return entered_; }

private:
    virtual int after(int result) {
        entered_ += visit(what_, port_);
        return result;
    }

    repair repair_;

protected:
    attacked what_;
    std::uint16_t port_;
    int entered_ = 0;
};

/// The same, but one comes when told, once, and stays: what a session socket is bound beside while it is renewed.
class occupied_calls final : public visited_calls {
public:
    using visited_calls::visited_calls;
    ~occupied_calls() override { leave(); }
    /// Of the session's family, for the other one may have a holder of its own.
    void expect_visitor(address_family of) { comes_ = true, family_ = of; }
    [[nodiscard]] bool is_inside() const { return visitor_ >= 0; }
    void leave() {
        if (is_inside()) ::close(visitor_);
        visitor_ = -1, comes_ = false;
    }

private:
    int after(int result) override {
        if (!comes_ || is_inside()) return result;
        const int s = new_socket(family_ == address_family::ipv4 ? AF_INET : AF_INET6, what_);
        const int only = family_ == address_family::ipv6;
        if (family_ != address_family::ipv4) ::setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
        set_flag(s, SO_REUSEADDR, 1);
        if (what_ == attacked::udp) ::setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2);
        if (bind_port(s, port_)) {
            visitor_ = s;
        } else {
            ::close(s);
        }
        return result;
    }
    bool comes_ = false;
    address_family family_{};
    int visitor_ = -1;
};

struct visited {
    std::string name;
    transport protocol;
    tcp_use use;
    address_family family;
    repair may;
    std::uint16_t sessions = 1;

    /// Not where TCP_REPAIR does all of it: a socket that connects.
    [[nodiscard]] bool has_window_at_renewal() const {
        const bool connects = protocol == transport::tcp && use == tcp_use::connect;
        return !connects || may == repair::refused || geteuid() != 0;
    }
};
std::ostream& operator<<(std::ostream& out, const visited& v) { return out << v.name; }

class visited_reserve : public testing::TestWithParam<visited> {};

TEST_P(visited_reserve, a_visitor_that_left_before_the_check_cannot_come_back) {
    const visited& v = GetParam();
    const attacked what = v.protocol == transport::udp ? attacked::udp : attacked::tcp;
    const int scout = new_socket(AF_INET6, what);
    reservation_request request;
    request.protocol = v.protocol, request.use = v.use, request.family = v.family;
    request.sessions_per_port = v.sessions;
    request.park = parking::system_calls;  // binding is the subject here, not silence
    request.block = {bind_anywhere(scout), 1};
    close(scout);
    visited_calls calls(what, request.block.first, v.may);
    platform::linux_provider provider(calls);
    failure f;
    const auto core = detail::reservation_core::make(provider, request, f);
    ASSERT_FALSE(f) << f.what;
    EXPECT_GT(calls.entered(), 0) << "the visitor cannot even bind a port that nobody has yet";
    EXPECT_EQ(visit(what, request.block.first), 0);
    // A session socket that is closed behind our back is bound anew, past the visitor once more.
    if (v.use == tcp_use::connect && v.protocol == transport::tcp) {
        error_code ec;
        bound_port lost = core->only_lane()->take(ec);
        ASSERT_TRUE(lost) << ec.message();
        close(lost.native_handle());
        lost.give_back(ec);
        EXPECT_EQ(visit(what, request.block.first), 0);
        EXPECT_EQ(core->reclaim(), 1u);
        EXPECT_EQ(visit(what, request.block.first), 0);
    }
    core->release(f, if_taken::refuse);
    EXPECT_FALSE(f) << f.what;
}

TEST_P(visited_reserve, a_visitor_that_came_with_a_renewal_and_stays_ends_it) {
    const visited& v = GetParam();
    const attacked what = v.protocol == transport::udp ? attacked::udp : attacked::tcp;
    const int scout = new_socket(AF_INET6, what);
    reservation_request request;
    request.protocol = v.protocol, request.use = v.use, request.family = v.family;
    request.sessions_per_port = v.sessions;
    request.park = parking::system_calls;
    request.block = {bind_anywhere(scout), 1};
    close(scout);
    occupied_calls calls(what, request.block.first, v.may);
    platform::linux_provider provider(calls);
    failure f;
    const auto core = detail::reservation_core::make(provider, request, f);
    ASSERT_FALSE(f) << f.what;
    error_code ec;
    bound_port lost = core->only_lane()->take(ec);
    ASSERT_TRUE(lost) << ec.message();
    close(lost.native_handle());
    lost.give_back(ec);
    ASSERT_EQ(core->statistics().ports.condemned, 1U);
    calls.expect_visitor(v.family);
    const auto back = core->reclaim();
    EXPECT_EQ(back, calls.is_inside() ? 0U : 1U) << "renewed, and somebody else is on the port";
    EXPECT_EQ(calls.is_inside(), v.has_window_at_renewal()) << "who may come in while a socket is renewed";
    calls.leave();
    EXPECT_EQ(core->reclaim(), 1U - back);
    EXPECT_EQ(core->statistics().ports.condemned, 0U);
    core->release(f, if_taken::refuse);
    EXPECT_FALSE(f) << f.what;
}

std::vector<visited> every_order_of_calls() {
    using enum address_family;
    std::vector<visited> out;
    for (const auto& [name, family] : {std::pair{"ipv4", ipv4}, {"ipv6", ipv6}, {"dual", dual}}) {
        const std::string of = std::string("_") + name;
        out.push_back({"udp" + of, transport::udp, tcp_use::listen, family, repair::permitted});
        for (const repair r : {repair::permitted, repair::refused}) {
            const std::string how = of + (r == repair::refused ? "_without_repair" : "");
            out.push_back({"listener" + how, transport::tcp, tcp_use::listen, family, r});
            out.push_back({"outbound" + how, transport::tcp, tcp_use::connect, family, r});
            out.push_back({"outbound_of_several" + how, transport::tcp, tcp_use::connect, family, r, 4});
        }
    }
    return out;
}

INSTANTIATE_TEST_SUITE_P(kind, visited_reserve, testing::ValuesIn(every_order_of_calls()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace berth::test
