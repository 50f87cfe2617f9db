// Sockets that were kept become a reservation again: the same sockets, in the state that they rest in, whatever state
// their last owner left them in; and what is not the block's is refused.
#include "platform/port_provider.hpp"
#include "reservation_core.hpp"
#include "support/oracle.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <set>

namespace berth::test {
namespace {

using detail::reservation_core;
using kept_sockets = std::vector<platform::held_sockets>;

class adopt_test : public testing::TestWithParam<reservation_request> {
protected:
    ~adopt_test() override { let_go(); }

    /// A wildcard block of four ports whose sockets are kept when the reservation ends, as a keeper does it.
    void reserve_and_keep(const std::function<void(bound_port)>& use_one = {}) {
        auto request = GetParam();
        request.block = {0, 4};
        request.park = parking::system_calls;
        failure f;
        const auto core = reservation_core::make(platform::system_provider(), request, f);
        ASSERT_TRUE(core) << f.what;
        block_ = core->block();
        error_code ec;
        if (use_one) use_one(core->only_lane()->take(ec));
        ASSERT_FALSE(ec) << ec.message();
        for (std::uint32_t i = 0; i < block_.count; ++i) {
            const auto own = core->only_lane()->sockets(i);
            kept_.push_back({copy(own.holder), copy(own.session), copy(own.other_holder)});
        }
        cookies_ = cookies();
        core->release(f, if_taken::refuse);
        ASSERT_FALSE(f) << f.what;
    }

    [[nodiscard]] std::shared_ptr<reservation_core> adopt(failure& f) const {
        auto request = GetParam();
        request.block = block_;
        request.park = parking::system_calls;
        return reservation_core::make(platform::system_provider(), request, f, detail::steady_nanoseconds, kept_);
    }

    static platform::native_socket copy(platform::native_socket fd) {
        return fd < 0 ? -1 : dup(static_cast<int>(fd));
    }
    static void close_one(platform::native_socket& fd) {
        if (fd >= 0) close(static_cast<int>(fd));
        fd = -1;
    }
    void let_go() {
        for (auto& k : kept_) close_one(k.holder), close_one(k.session), close_one(k.other_holder);
        kept_.clear();
    }

    [[nodiscard]] bool is_udp() const { return GetParam().protocol == transport::udp; }
    [[nodiscard]] std::set<std::uint64_t> cookies() const {
        std::set<std::uint64_t> out;
        const auto kind = is_udp() ? oracle_protocol::udp : oracle_protocol::tcp;
        for (const auto& s : sockets_on(kind, block_.first, block_.count)) out.insert(s.inode);
        return out;
    }
    [[nodiscard]] bool can_bind(std::uint16_t port, bool reuse) const {
        const int fd = socket(AF_INET6, (is_udp() ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
        const int one = 1;
        if (reuse) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        sockaddr_in6 a{};
        a.sin6_family = AF_INET6;
        a.sin6_port = htons(port);
        const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
        close(fd);
        return bound;
    }
    void expect_held() const {
        for (std::uint32_t i = 0; i < block_.count; ++i) {
            const auto port = static_cast<std::uint16_t>(block_.first + i);
            EXPECT_FALSE(can_bind(port, false)) << port;
            EXPECT_FALSE(can_bind(port, true)) << port;
        }
    }
    static void expect_whole(reservation_core& core) {
        std::vector<bound_port> out;
        error_code ec;
        for (std::uint32_t i = 0; i < core.block().count; ++i) out.push_back(core.only_lane()->take(ec));
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_EQ(core.statistics().condemned, 0u);
    }
    /// Each port is ours, and the reservation works, when only it knows the sockets.
    void expect_adopted() {
        failure f;
        const auto core = adopt(f);
        ASSERT_TRUE(core) << f.what;
        let_go();
        expect_held();
        expect_whole(*core);
    }

    port_block block_{};
    kept_sockets kept_;
    std::set<std::uint64_t> cookies_;
};

TEST_P(adopt_test, the_very_same_sockets_are_a_block_again) {
    reserve_and_keep();
    expect_held();
    failure f;
    const auto core = adopt(f);
    ASSERT_TRUE(core) << f.what;
    EXPECT_EQ(cookies(), cookies_);
    let_go();
    expect_held();
    expect_whole(*core);
    core->release(f, if_taken::refuse);
    EXPECT_TRUE(cookies().empty());
}

TEST_P(adopt_test, again_and_again) {
    reserve_and_keep();
    failure f;
    for (int i = 0; i < 20; ++i) {
        const auto core = adopt(f);
        ASSERT_TRUE(core) << f.what;
        expect_whole(*core);
        EXPECT_EQ(cookies(), cookies_);
    }
}

TEST_P(adopt_test, a_port_left_in_the_middle_of_a_renewal_is_put_right) {
    reserve_and_keep();
    const int one = 1, tag = 0x7ffffffe;
    const int holder = static_cast<int>(kept_[1].holder);
    if (is_udp()) {
        ASSERT_EQ(setsockopt(holder, SOL_SOCKET, 62 /* SO_BINDTOIFINDEX */, &tag, sizeof tag), 0);
    } else {
        ASSERT_EQ(setsockopt(holder, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    }
    close_one(kept_[1].session);
    close_one(kept_[2].session);
    expect_adopted();
}

TEST_P(adopt_test, a_port_that_was_not_kept_is_bound_anew) {
    reserve_and_keep();
    close_one(kept_[0].holder), close_one(kept_[0].session), close_one(kept_[0].other_holder);
    close_one(kept_[3].holder), close_one(kept_[3].session), close_one(kept_[3].other_holder);
    EXPECT_TRUE(can_bind(block_.first, false));
    expect_adopted();
}

TEST_P(adopt_test, somebody_on_a_port_that_was_not_kept_is_seen) {
    reserve_and_keep();
    close_one(kept_[2].holder), close_one(kept_[2].session), close_one(kept_[2].other_holder);
    const int stranger = socket(AF_INET6, (is_udp() ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6;
    a.sin6_port = htons(static_cast<std::uint16_t>(block_.first + 2));
    ASSERT_EQ(bind(stranger, reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
    failure f;
    EXPECT_FALSE(adopt(f));
    EXPECT_EQ(f.code, errc::block_unavailable);
    EXPECT_EQ(f.port, block_.first + 2);
    close(stranger);
    EXPECT_TRUE(adopt(f)) << f.what;
}

// Its connections outlive the listener that let them in, and the keeper's restart.
TEST_P(adopt_test, clients_of_an_earlier_owner_stay_and_are_no_strangers) {
    if (is_udp() || GetParam().use != tcp_use::listen) GTEST_SKIP() << "no clients";
    const int family = GetParam().family == address_family::ipv4 ? AF_INET : AF_INET6;
    const int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int served = -1;
    reserve_and_keep([&](const bound_port& port) {
        sockaddr_in6 a{};
        a.sin6_family = static_cast<sa_family_t>(family);
        a.sin6_port = htons(port.port());  // at the same place in sockaddr_in, whose address 0 is this machine too
        ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
        served = accept4(static_cast<int>(port.io_handle()), nullptr, nullptr, SOCK_CLOEXEC);
        ASSERT_GE(served, 0);
    });
    expect_adopted();
    EXPECT_EQ(send(served, "still", 5, 0), 5);
    char heard[5];
    EXPECT_EQ(recv(client, heard, sizeof heard, MSG_WAITALL), 5);
    close(client);
    close(served);
}

TEST_P(adopt_test, sockets_of_another_port_or_protocol_are_refused) {
    reserve_and_keep();
    failure f;
    std::swap(kept_[0], kept_[1]);
    EXPECT_FALSE(adopt(f));
    EXPECT_TRUE(f);
    std::swap(kept_[0], kept_[1]);
    const auto session = kept_[0].session;
    kept_[0].session = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_FALSE(adopt(f));
    close_one(kept_[0].session);
    kept_[0].session = session;
    EXPECT_TRUE(adopt(f)) << f.what;
    EXPECT_EQ(cookies(), cookies_);
}

std::vector<reservation_request> requests() {
    std::vector<reservation_request> out;
    for (const auto family : {address_family::dual, address_family::ipv4, address_family::ipv6}) {
        reservation_request r;
        r.family = family;
        out.push_back(r);
        r.protocol = transport::tcp;
        out.push_back(r);
        r.use = tcp_use::connect;
        out.push_back(r);
    }
    return out;
}

std::string name_of(const testing::TestParamInfo<reservation_request>& given) {
    const char* const families[] = {"ipv4", "ipv6", "dual"};
    const auto& r = given.param;
    const std::string kind = r.protocol == transport::udp ? "udp" : r.use == tcp_use::listen ? "listener" : "outbound";
    return kind + "_" + families[static_cast<int>(r.family)];
}

// Another process works with them: nothing is silenced, and what they are like when they come back is found out from
// a socket of another port, because none of the block is as new.
TEST_P(adopt_test, what_is_out_is_left_alone_until_it_comes_back) {
    const int option = GetParam().protocol == transport::udp ? SO_BROADCAST : SO_KEEPALIVE;
    const auto is_changed = [&](platform::native_socket fd) {
        int on = 0;
        socklen_t size = sizeof on;
        ::getsockopt(static_cast<int>(fd), SOL_SOCKET, option, &on, &size);
        return on != 0;
    };
    reserve_and_keep();
    for (auto& k : kept_) {
        const int on = 1;
        ::setsockopt(static_cast<int>(k.session), SOL_SOCKET, option, &on, sizeof on);
        k.is_out = true;
    }
    failure f;
    const auto core = adopt(f);
    ASSERT_TRUE(core) << f.what;
    auto& lane = *core->only_lane();
    for (std::uint32_t i = 0; i < block_.count; ++i) {
        EXPECT_TRUE(is_changed(kept_[i].session));
        EXPECT_TRUE(lane.lend_given(i));
    }
    EXPECT_EQ(core->statistics().ports.open, block_.count);
    for (std::uint32_t i = 0; i < block_.count; ++i) {
        lane.bring_back(i, detail::port_lane::brought::rested);
        EXPECT_FALSE(is_changed(kept_[i].session));
    }
    EXPECT_EQ(core->available(), block_.count);
    EXPECT_EQ(core->statistics().condemned, 0u);
    EXPECT_EQ(cookies(), cookies_);
}

TEST_P(adopt_test, a_share_takes_in_sockets_of_its_ports_and_no_others) {
    reserve_and_keep();
    failure f;
    auto request = GetParam();
    const auto kind = request.protocol == transport::udp ? platform::port_kind::udp
                      : request.use == tcp_use::listen   ? platform::port_kind::tcp_listen
                                                         : platform::port_kind::tcp_connect;
    const auto share = platform::system_provider().prepare_share(
        {.kind = kind, .block = block_, .family = request.family, .park = parking::system_calls}, f);
    ASSERT_TRUE(share) << f.what;
    EXPECT_TRUE(share->receive(1, kept_[0].session)) << "another port's";
    EXPECT_TRUE(share->receive(0, 0)) << "no socket of the kind";
    EXPECT_FALSE(share->receive(0, copy(kept_[0].session)));
    std::uint32_t discarded = 0;
    EXPECT_FALSE(share->open(0, discarded));
    const auto parked = share->park(0, true);
    EXPECT_FALSE(parked.condemned);
    EXPECT_EQ(share->renew(0), platform::renewal::failed) << "its holder's business";
    share->drop(0);
    EXPECT_LT(share->session(0), 0);
}

INSTANTIATE_TEST_SUITE_P(kinds, adopt_test, testing::ValuesIn(requests()), name_of);

}  // namespace
}  // namespace berth::test
