// A lent session socket comes back as new, or is condemned: every option of the table, then what no option tells.
#include "platform/linux/option_audit.hpp"
#include "support/filters.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "unit/linux/option_sessions.hpp"

namespace {

using namespace berth::platform;
using namespace berth_test;

struct lent_session : ::testing::TestWithParam<session_shape> {
    void SetUp() override {
        const descriptor fresh = make_session(GetParam());
        int error = 0;
        audit_ = option_audit::capture(linux_calls(), fresh, GetParam().kind, error);
        ASSERT_NE(audit_, nullptr) << strerror(-error);
        fresh_ = values_of(fresh, GetParam().kind);
        ASSERT_EQ(read_memory(linux_calls(), fresh, memory_), 0);
    }
    verdict restore(int fd) {
        refused_ = "";
        return audit_->restore(linux_calls(), fd, port_of(fd), cookie_of(fd), &refused_);
    }
    void expect_as_new(int fd) {
        EXPECT_EQ(restore(fd), verdict::as_new) << refused_;
        const auto now = values_of(fd, GetParam().kind);
        ASSERT_EQ(now.size(), fresh_.size());
        for (std::size_t i = 0; i < now.size(); ++i) {
            const undo back = now[i].row->back;
            EXPECT_TRUE(back == undo::settle || back == undo::leave || same(now[i], fresh_[i])) << now[i].row->text;
        }
        std::array<std::uint32_t, 3> memory{};
        ASSERT_EQ(read_memory(linux_calls(), fd, memory), 0);
        EXPECT_EQ(memory, memory_);
    }
    bool is_udp() const { return GetParam().kind == port_kind::udp; }

    std::unique_ptr<option_audit> audit_;
    std::vector<option_value> fresh_;
    std::array<std::uint32_t, 3> memory_{};
    const char* refused_ = "";
};

TEST_P(lent_session, untouched_is_as_new) {
    const descriptor fd = make_session(GetParam());
    expect_as_new(fd);
}

TEST_P(lent_session, has_each_option_set_back_or_is_condemned_for_it) {
    std::string unchangeable;
    std::size_t changed = 0;
    for (const option_value& fresh : fresh_) {
        SCOPED_TRACE(fresh.row->text);
        const descriptor fd = make_session(GetParam());
        if (!change_option(fd, fresh)) {
            unchangeable += std::string(" ") + fresh.row->text;
            continue;
        }
        ++changed;
        const std::string option = fresh.row->text;
        const bool may_condemn = fresh.row->back == undo::condemn || option == "TCP_WINDOW_CLAMP" ||
                                 (option == "SO_BINDTODEVICE" && !is_root());
        if (may_condemn && restore(fd) == verdict::condemned) {
            EXPECT_STREQ(refused_, fresh.row->text);
        } else {
            expect_as_new(fd);
        }
    }
    std::printf("%s: %zu of %zu options changed; not:%s\n", GetParam().text, changed, fresh_.size(),
                unchangeable.c_str());
    EXPECT_GE(changed * 100, fresh_.size() * (is_root() ? 80 : 70));
}

TEST_P(lent_session, has_buffers_and_their_lock_set_back) {
    const descriptor fd = make_session(GetParam());
    set_int(fd, SOL_SOCKET, SO_RCVBUF, 20000);
    set_int(fd, SOL_SOCKET, SO_SNDBUF, 30000);
    expect_as_new(fd);
    set_int(fd, SOL_SOCKET, SO_RCVBUF, static_cast<int>(memory_[0] / 2));  // the same size, but locked
    expect_as_new(fd);
}

TEST_P(lent_session, has_file_flags_and_signal_owner_set_back) {
    const descriptor fd = make_session(GetParam());
    const int flags = ::fcntl(fd, F_GETFL);
    ASSERT_EQ(::fcntl(fd, F_SETFL, (flags & ~O_NONBLOCK)), 0);
    ASSERT_EQ(::fcntl(fd, F_SETOWN, ::getpid()), 0);
    ASSERT_EQ(::fcntl(fd, F_SETSIG, SIGUSR1), 0);
    expect_as_new(fd);
    EXPECT_EQ(::fcntl(fd, F_GETFL), flags);
    EXPECT_EQ(::fcntl(fd, F_GETOWN), 0);
    EXPECT_EQ(::fcntl(fd, F_GETSIG), 0);
    ASSERT_EQ(::fcntl(fd, F_SETFL, flags | O_ASYNC), 0);
    expect_as_new(fd);
    EXPECT_EQ(::fcntl(fd, F_GETFL), flags);
}

TEST_P(lent_session, with_a_filter_attached_or_locked_is_condemned) {
    if (!berth::testing_support::filters_answer()) GTEST_SKIP() << "this kernel's BPF stands still";
    sock_filter pass{BPF_RET | BPF_K, 0, 0, 0xffffffff};
    const sock_fprog program{1, &pass};
    const descriptor fd = make_session(GetParam());
    if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
        ASSERT_EQ(errno, EPERM);
        GTEST_SKIP() << "this kernel refuses filters on TCP sockets to the unprivileged";
    }
    EXPECT_EQ(restore(fd), verdict::condemned);
    ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &pass, sizeof(int)), 0);
    expect_as_new(fd);
    set_int(fd, SOL_SOCKET, SO_LOCK_FILTER, 1);
    EXPECT_EQ(restore(fd), verdict::condemned);
    EXPECT_STREQ(refused_, "SO_LOCK_FILTER");
}

TEST_P(lent_session, in_a_multicast_group_is_condemned) {
    const descriptor fd = make_session(GetParam());
    ip_mreqn group4{};
    group4.imr_multiaddr.s_addr = htonl(0xef010101), group4.imr_ifindex = 1;
    ipv6_mreq group6{};
    group6.ipv6mr_multiaddr.s6_addr[0] = 0xff, group6.ipv6mr_multiaddr.s6_addr[1] = 0x01;
    group6.ipv6mr_multiaddr.s6_addr[15] = 0x77, group6.ipv6mr_interface = 1;
    const int r = GetParam().family == AF_INET
                      ? ::setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group4, sizeof group4)
                      : ::setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group6, sizeof group6);
    if (r != 0) GTEST_SKIP() << "no multicast here, or not for this kind: " << strerror(errno);
    EXPECT_EQ(restore(fd), verdict::condemned);
    EXPECT_STREQ(refused_, "option memory");
}

TEST_P(lent_session, shut_down_is_condemned_where_the_kernel_keeps_that) {
    if (GetParam().kind == port_kind::tcp_connect) GTEST_SKIP() << "connect(AF_UNSPEC) undoes it";
    for (const int how : {SHUT_RD, SHUT_WR, SHUT_RDWR}) {
        if (!is_udp() && how == SHUT_WR) continue;  // a listener does not mind
        const descriptor fd = make_session(GetParam());
        ::shutdown(fd, how);
        EXPECT_EQ(restore(fd), verdict::condemned) << how;
    }
}

TEST_P(lent_session, that_remembers_a_remote_address_is_condemned) {
    if (!is_udp() || GetParam().family == AF_INET) GTEST_SKIP() << "only IPv6 UDP sockets remember it";
    const descriptor fd = make_session(GetParam());
    const auto to = loopback6(9);
    ASSERT_EQ(::connect(fd, name(to), sizeof to), 0);
    const sockaddr none{.sa_family = AF_UNSPEC, .sa_data = {}};
    ASSERT_EQ(::connect(fd, &none, sizeof none), 0);
    EXPECT_EQ(restore(fd), verdict::condemned);
}

TEST_P(lent_session, that_was_connected_and_dissolved_is_as_new) {
    if (GetParam().kind == port_kind::tcp_listen || (is_udp() && GetParam().family == AF_INET6)) {
        GTEST_SKIP() << "listeners do not connect; IPv6 UDP is condemned";
    }
    const descriptor server = listener(AF_INET6);
    const descriptor fd = make_session(GetParam());
    sockaddr_in6 mapped = loopback6(port_of(server));
    mapped.sin6_addr = IN6ADDR_ANY_INIT;
    const std::uint32_t host = htonl(INADDR_LOOPBACK);
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    std::memcpy(&mapped.sin6_addr.s6_addr[12], &host, 4);
    const auto plain = loopback4(port_of(server));
    if (GetParam().family == AF_INET6) {
        ::connect(fd, name(mapped), sizeof mapped);
    } else {
        ::connect(fd, name(plain), sizeof plain);
    }
    if (!is_udp()) {
        ASSERT_TRUE(becomes(server, POLLIN, 2000));
        const descriptor child(::accept(server, nullptr, nullptr));
        const std::vector<char> bulk(200000, 'x');
        for (int i = 0; i < 20; ++i) {
            (void)!::send(child, bulk.data(), bulk.size(), MSG_DONTWAIT);
            std::vector<char> in(400000);
            (void)!::recv(fd, in.data(), in.size(), MSG_DONTWAIT);
            (void)!::send(fd, bulk.data(), 1000, MSG_DONTWAIT);
        }
    }
    const sockaddr none{.sa_family = AF_UNSPEC, .sa_data = {}};
    ASSERT_EQ(::connect(fd, &none, sizeof none), 0);
    expect_as_new(fd);
}

TEST_P(lent_session, closed_meanwhile_is_condemned) {
    descriptor fd = make_session(GetParam());
    const int number = fd;
    fd.close();
    EXPECT_EQ(audit_->restore(linux_calls(), number, 1, 1), verdict::condemned);
}

TEST_P(lent_session, is_audited_in_microseconds) {
    const descriptor fd = make_session(GetParam());
    const std::uint16_t port = port_of(fd);
    const std::uint64_t cookie = cookie_of(fd);
    double best = 1e9;
    for (int slice = 0; slice < 9; ++slice) {
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < 500; ++i) ASSERT_EQ(audit_->restore(linux_calls(), fd, port, cookie), verdict::as_new);
        const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
        best = std::min(best, took.count() / 500);
    }
    std::printf("%s: %zu options audited in %.1f us\n", GetParam().text, fresh_.size(), best);
    EXPECT_LT(best, 500);
}

INSTANTIATE_TEST_SUITE_P(of, lent_session, ::testing::ValuesIn(session_shapes),
                         [](const auto& shape) { return std::string(shape.param.text); });

}  // namespace
