// What a caller had set on its own socket is on the session socket afterwards, or refused by name.
#include "platform/linux/carry_options.hpp"
#include "support/filters.hpp"

#include <fcntl.h>
#include <linux/filter.h>

#include <algorithm>
#include <chrono>

#include "platform/linux/option_audit.hpp"
#include "unit/linux/option_sessions.hpp"

namespace {

using namespace berth::platform;
using namespace berth_test;
using berth::errc;
using berth::failure;

struct carried_options : ::testing::TestWithParam<session_shape> {
    void SetUp() override {
        int error = 0;
        carrier_ = option_carrier::capture(linux_calls(), GetParam().family, GetParam().kind, error);
        ASSERT_NE(carrier_, nullptr) << strerror(-error);
    }
    descriptor make_callers() const {
        return make_socket(GetParam().family, type_of(GetParam().kind), GetParam().only_ipv6);
    }
    failure carry(int from, int onto) const {
        failure f;
        carrier_->carry(linux_calls(), from, onto, f);
        return f;
    }
    std::unique_ptr<option_carrier> carrier_;
};

TEST_P(carried_options, nothing_set_is_nothing_carried) {
    const descriptor from = make_callers(), onto = make_session(GetParam());
    const auto before = values_of(onto, GetParam().kind);
    EXPECT_FALSE(carry(from, onto)) << carry(from, onto).what;
    const auto after = values_of(onto, GetParam().kind);
    for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same(before[i], after[i])) << before[i].row->text;
}

TEST_P(carried_options, each_option_is_carried_or_refused_by_name) {
    const descriptor untouched = make_callers();
    std::size_t carried = 0, refused = 0;
    for (const option_value& fresh : values_of(untouched, GetParam().kind)) {
        const std::string option = fresh.row->text;
        SCOPED_TRACE(option);
        if (fresh.row->across == carry::ignore) continue;
        const descriptor from = make_callers(), onto = make_session(GetParam());
        const auto before = values_of(onto, GetParam().kind);
        if (!change_option(from, fresh)) continue;
        option_value set, got;
        ASSERT_EQ(read_option(linux_calls(), from, *fresh.row, set), 0);
        const failure f = carry(from, onto);
        if (fresh.row->across == carry::refuse) {
            ++refused;
            EXPECT_EQ(f.code, errc::option_refused);
            EXPECT_NE(f.what.find(option), std::string::npos) << f.what;
            const auto after = values_of(onto, GetParam().kind);
            for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same(before[i], after[i])) << f.what;
        } else {
            ++carried;
            ASSERT_FALSE(f) << f.what;
            ASSERT_EQ(read_option(linux_calls(), onto, *fresh.row, got), 0);
            EXPECT_TRUE(same(set, got));
        }
    }
    std::printf("%s: %zu carried, %zu refused\n", GetParam().text, carried, refused);
    EXPECT_GE(carried, 30u);
    EXPECT_GE(refused, 3u);
}

TEST_P(carried_options, buffers_and_blocking_mode_are_carried_and_undone_by_the_audit) {
    const descriptor from = make_callers(), onto = make_session(GetParam());
    int error = 0;
    const auto audit = option_audit::capture(linux_calls(), onto, GetParam().kind, error);
    ASSERT_NE(audit, nullptr);
    std::array<std::uint32_t, 3> fresh{}, wanted{}, now{};
    ASSERT_EQ(read_memory(linux_calls(), onto, fresh), 0);
    set_int(from, SOL_SOCKET, SO_RCVBUF, 23456);
    set_int(from, SOL_SOCKET, SO_SNDBUF, 34567);
    ASSERT_EQ(::fcntl(from, F_SETFL, ::fcntl(from, F_GETFL) & ~O_NONBLOCK), 0);
    const failure f = carry(from, onto);
    ASSERT_FALSE(f) << f.what;
    ASSERT_EQ(read_memory(linux_calls(), from, wanted), 0);
    ASSERT_EQ(read_memory(linux_calls(), onto, now), 0);
    EXPECT_EQ(now, wanted);
    EXPECT_EQ(::fcntl(onto, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(audit->restore(linux_calls(), onto, port_of(onto), cookie_of(onto)), verdict::as_new);
    ASSERT_EQ(read_memory(linux_calls(), onto, now), 0);
    EXPECT_EQ(now, fresh);
    EXPECT_NE(::fcntl(onto, F_GETFL) & O_NONBLOCK, 0);
}

TEST_P(carried_options, a_filter_and_a_membership_are_refused) {
    const descriptor onto = make_session(GetParam());
    sock_filter pass{BPF_RET | BPF_K, 0, 0, 0xffffffff};
    const sock_fprog program{1, &pass};
    const descriptor filtered = make_callers();
    if (berth::testing_support::filters_answer() &&
        ::setsockopt(filtered, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0) {
        const failure f = carry(filtered, onto);
        EXPECT_EQ(f.code, errc::option_refused);
        EXPECT_NE(f.what.find("SO_ATTACH_FILTER"), std::string::npos) << f.what;
    }
    if (GetParam().kind != port_kind::udp || GetParam().family != AF_INET) return;
    const descriptor member = make_callers();
    ip_mreqn group{};
    group.imr_multiaddr.s_addr = htonl(0xef010101), group.imr_ifindex = 1;
    ASSERT_EQ(::setsockopt(member, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group), 0);
    const failure f = carry(member, onto);
    EXPECT_EQ(f.code, errc::option_refused);
    EXPECT_NE(f.what.find("membership"), std::string::npos) << f.what;
}

TEST_P(carried_options, a_descriptor_that_is_no_socket_is_said_to_be_none) {
    int pipes[2];
    ASSERT_EQ(::pipe2(pipes, O_CLOEXEC), 0);
    const descriptor in(pipes[0]), out(pipes[1]), onto = make_session(GetParam());
    EXPECT_EQ(carry(in, onto).code, errc::not_a_socket);
}

TEST_P(carried_options, are_read_in_microseconds) {
    const descriptor from = make_callers(), onto = make_session(GetParam());
    double best = 1e9;
    for (int slice = 0; slice < 9; ++slice) {
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < 500; ++i) ASSERT_FALSE(carry(from, onto));
        const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
        best = std::min(best, took.count() / 500);
    }
    std::printf("%s: a fresh socket carried in %.1f us\n", GetParam().text, best);
    EXPECT_LT(best, 500);
}

INSTANTIATE_TEST_SUITE_P(of, carried_options, ::testing::ValuesIn(session_shapes),
                         [](const auto& shape) { return std::string(shape.param.text); });

}  // namespace
