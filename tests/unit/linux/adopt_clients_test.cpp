// A listener's ports change hands while clients come and go on them: they are no strangers, in whatever state the
// kernel lists them, and a stranger among them still is one.
#include "platform/linux/linux_provider.hpp"
#include "platform/linux/socket_dump.hpp"
#include "reservation_core.hpp"
#include "unit/linux/forwarding_calls.hpp"
#include "unit/linux/kernel_sockets.hpp"

#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>

namespace berth_test {
namespace {

using namespace berth;

/// Connections are listed as the kernel lists one that is reset between being found and being written down.
struct calls_of_hang_ups final : forwarding_calls {
    ssize_t recv(int fd, void* data, std::size_t size, int flags) noexcept override {
        const ssize_t got = real_.recv(fd, data, size, flags);
        auto left = static_cast<int>(got);
        bool has_changed = false;
        for (auto* row = static_cast<nlmsghdr*>(data); answers != 0 && NLMSG_OK(row, left); row = NLMSG_NEXT(row, left)) {
            if (row->nlmsg_type == NLMSG_DONE) break;
            auto& state = static_cast<inet_diag_msg*>(NLMSG_DATA(row))->idiag_state;
            if (state != platform::established) continue;
            state = platform::close_;
            has_changed = true;
        }
        if (has_changed) --answers, ++changed;
        if (has_changed && gone != nullptr) gone->close();
        return got;
    }
    int answers = 0, changed = 0;
    descriptor* gone = nullptr;  // closed as soon as it is listed so
};

/// A block of listeners that serves: one port has a client.
class adopt_clients : public testing::TestWithParam<bool> {
protected:
    adopt_clients() {
        reservation_request request;
        request.protocol = transport::tcp;
        request.block = {0, 3};
        request.park = parking::system_calls;
        failure f;
        core_ = detail::reservation_core::make(platform::system_provider(), request, f);
        EXPECT_TRUE(core_) << f.what;
        error_code ec;
        port_ = core_->only_lane()->take(ec);
        EXPECT_FALSE(ec) << ec.message();
        client_ = client(AF_INET6, port_.port());
        EXPECT_TRUE(becomes(static_cast<int>(port_.io_handle()), POLLIN, 2'000));
        served_ = descriptor(::accept4(static_cast<int>(port_.io_handle()), nullptr, nullptr, SOCK_CLOEXEC));
        EXPECT_GE(served_, 0);
        constexpr linger reset{1, 0};
        EXPECT_EQ(::setsockopt(served_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    }

    /// As a successor (true) or a keeper's next start (false) goes about it.
    void adopt(failure& f) {
        error_code ec;
        const std::uint32_t served_at = port_.port() - core_->block().first;
        if (!GetParam()) port_.give_back(ec);
        ASSERT_FALSE(ec) << ec.message();
        platform::linux_provider provider(calls_);
        const auto block = core_->block();
        platform::hold_request request{.kind = platform::port_kind::tcp_listen, .block = block};
        request.park = parking::system_calls;
        if (GetParam()) request.over.emplace();
        for (std::uint32_t i = 0; i < block.count; ++i) {
            const auto own = core_->only_lane()->sockets(i);
            const auto copy = [&](platform::native_socket fd) {
                return platform::native_socket{fd < 0 ? -1 : keep(::dup(static_cast<int>(fd)))};
            };
            const bool is_lost = has_lost_session_ && i == served_at;
            request.inherited.push_back({copy(own.holder), is_lost ? -1 : copy(own.session), copy(own.other_holder)});
            if (request.over) request.over->cookies.push_back(cookie_of(static_cast<int>(own.session)));
        }
        if (has_lost_session_) core_->release(f, if_taken::refuse);
        ASSERT_FALSE(f) << f.what;
        const auto made = provider.prepare(request, f);
        ASSERT_TRUE(made) << f.what;
        made->hold(~std::uint32_t{0}, f);
        ASSERT_FALSE(f) << f.what;
        made->seal(f);
    }
    int keep(int fd) {
        if (!GetParam()) copies_.emplace_back(fd);  // a successor's are the block's
        return fd;
    }

    void expect_served() {
        EXPECT_EQ(::send(served_, "still", 5, 0), 5);
        EXPECT_TRUE(becomes(client_, POLLIN, 2'000));
        char heard[8];
        EXPECT_EQ(::recv(client_, heard, sizeof heard, 0), 5);
    }

    calls_of_hang_ups calls_;
    std::shared_ptr<detail::reservation_core> core_;
    bound_port port_;
    bool has_lost_session_ = false;
    descriptor client_, served_;
    std::vector<descriptor> copies_;
};

TEST_P(adopt_clients, a_client_is_no_stranger) {
    failure f;
    adopt(f);
    EXPECT_FALSE(f) << f.what;
    expect_served();
}

TEST_P(adopt_clients, a_client_that_hangs_up_during_the_look_is_no_stranger) {
    calls_.answers = 1;
    calls_.gone = &served_;
    failure f;
    adopt(f);
    EXPECT_EQ(calls_.changed, 1) << "the test has seen no client listed";
    EXPECT_FALSE(f) << f.what;
}

TEST_P(adopt_clients, a_bound_socket_that_stays_is_a_stranger) {
    const std::uint16_t port = port_.port();
    calls_.answers = 1'000;
    failure f;
    adopt(f);
    EXPECT_EQ(f.code, errc::block_unavailable);
    EXPECT_EQ(f.port, port);
    EXPECT_NE(f.what.find("state CLOSE"), std::string::npos) << f.what;
    calls_.answers = 0;
    expect_served();
}

// A visitor may have come with the bind, and be connected since.
TEST_P(adopt_clients, where_the_listener_was_bound_anew_a_connection_is_a_stranger) {
    if (GetParam()) GTEST_SKIP() << "a successor binds nothing";
    has_lost_session_ = true;
    const std::uint16_t port = port_.port();
    failure f;
    adopt(f);
    EXPECT_EQ(f.code, errc::block_unavailable);
    EXPECT_EQ(f.port, port);
}

INSTANTIATE_TEST_SUITE_P(by, adopt_clients, testing::Bool(),
                         [](const auto& given) { return given.param ? "successor" : "keeper"; });

}  // namespace
}  // namespace berth_test
