// Messages that cross: what a consumer says of its ports, and what is still on its way to it. No port in two hands.
#include "rude_consumer.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

namespace berth::test {
namespace {

using detail::share_message;
using detail::share_verb;
using namespace std::chrono_literals;

class daemon_share_crossing : public rude_ground {
protected:
    void TearDown() override {
        if (daemon_ > 0) ::kill(daemon_, SIGCONT);
    }
    [[nodiscard]] port_reservation open_with(std::uint32_t fetch, std::chrono::milliseconds patience) const {
        failure f;
        auto options = here();
        options.fetch = fetch;
        options.patience = patience;
        auto share = open_persistent(token_, f, options);
        for (int i = 0; i < 1000 && f.code == errc::service_unavailable; ++i) {  // so little patience is not enough
            share = open_persistent(token_, f, options);
        }
        EXPECT_FALSE(f) << f.what;
        return share;
    }
    /// Without asking the daemon.
    static void take_what_is_here(port_reservation& share, std::vector<bound_port>& out) {
        error_code ec;
        while (share.statistics().ports.available != 0) {
            auto port = share.take(ec);
            if (ec) break;
            out.push_back(std::move(port));
        }
    }
    /// Another consumer takes whatever it can get: nothing of it may be among `ours`.
    void expect_in_one_hand(const std::vector<bound_port>& ours) {
        std::set<std::uint16_t> numbers;
        for (const auto& p : ours) numbers.insert(p.port());
        auto other = open(token_);
        for (const auto& p : take_all(other)) EXPECT_FALSE(numbers.contains(p.port())) << p.port();
    }
    static std::optional<share_message> next_message(const platform::descriptor& c) {
        return detail::parse_share_message(receive(c).bytes);
    }
};

TEST_F(daemon_share_crossing, a_port_that_is_under_way_is_not_missing) {
    create(transport::udp, 64);
    auto share = open_with(64, 30ms);
    ::kill(daemon_, SIGSTOP);
    error_code ec;
    for (int i = 0; i < 5; ++i) {
        static_cast<void>(share.take(ec));
        EXPECT_EQ(ec, errc::service_unavailable);
    }
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const int lowest = ::dup(0);
    ::close(lowest);
    auto small = before;
    small.rlim_cur = static_cast<rlim_t>(lowest) + 9;  // the first answer does not fit, later ones do
    ::setrlimit(RLIMIT_NOFILE, &small);
    ::kill(daemon_, SIGCONT);
    std::this_thread::sleep_for(300ms);
    ::setrlimit(RLIMIT_NOFILE, &before);
    std::vector<bound_port> taken;
    take_what_is_here(share, taken);
    EXPECT_FALSE(taken.empty());
    expect_in_one_hand(taken);
}

TEST_F(daemon_share_crossing, a_daemon_that_starts_again_believes_only_what_was_said_to_itself) {
    create(transport::udp, 32);
    const auto consumer = rude_consumer();
    ASSERT_EQ(send(consumer, fetch_request(4)), 0);
    const auto got = receive(consumer);
    ASSERT_EQ(got.sockets.size(), 4u);
    const auto mine = detail::parse_share_message(got.bytes);
    kill_daemon();
    // As to a daemon that died after it had said that it started: an answer, and a request that it did not read.
    share_message nothing{.verb = share_verb::holding, .epoch = 4711, .held = std::vector<bool>(32)};
    ASSERT_EQ(send(consumer, detail::encode(nothing)), 0);
    nothing.epoch = 0;
    ASSERT_EQ(send(consumer, detail::encode(nothing)), 0);
    ASSERT_EQ(send(consumer, fetch_request(8)), 0);
    start(daemon_options());
    const auto restarted = next_message(consumer);
    ASSERT_TRUE(restarted);
    EXPECT_EQ(restarted->verb, share_verb::restarted);
    EXPECT_NE(restarted->epoch, 0u);
    EXPECT_EQ(ports_out(), 4u);
    auto other = open(token_);
    std::set<std::uint16_t> numbers(mine->ports.begin(), mine->ports.end());
    for (const auto& p : take_all(other)) EXPECT_FALSE(numbers.contains(p.port())) << p.port();
    share_message all{.verb = share_verb::holding, .epoch = restarted->epoch, .held = std::vector<bool>(32)};
    for (const auto p : mine->ports) all.held[p - block_.first] = true;
    ASSERT_EQ(send(consumer, detail::encode(all)), 0);
    ASSERT_EQ(send(consumer, detail::encode(share_message{.verb = share_verb::give_back, .ports = mine->ports})), 0);
    EXPECT_TRUE(comes_true([&] { return listed().ports_out <= 28; }));
}

TEST_F(daemon_share_crossing, what_is_lent_later_than_the_last_message_read_stays) {
    create(transport::udp, 32);
    const auto consumer = rude_consumer();
    ASSERT_EQ(send(consumer, fetch_request(4)), 0);
    ASSERT_EQ(send(consumer, fetch_request(4)), 0);
    const auto first = receive(consumer);
    share_message holding{.verb = share_verb::holding, .number = 1, .held = std::vector<bool>(32)};
    ASSERT_EQ(send(consumer, detail::encode(holding)), 0);
    EXPECT_TRUE(comes_true([&] { return ports_out() == 4; })) << ports_out();
    holding.number = 2;
    ASSERT_EQ(send(consumer, detail::encode(holding)), 0);
    EXPECT_TRUE(comes_true([&] { return ports_out() == 0; })) << ports_out();
    holding.number = 3;  // of the future
    ASSERT_EQ(send(consumer, detail::encode(holding)), 0);
    failure f;
    EXPECT_TRUE(comes_true([&] { return persistent_status(f, at()).refused == 1; }));
}

TEST_F(daemon_share_crossing, a_daemon_that_does_not_read_loses_no_consumer) {
    create(transport::udp, 32);
    auto share = open_with(8, 1ms);
    std::vector<bound_port> taken;
    error_code ec;
    for (int i = 0; i < 200 && taken.size() < 8; ++i) {
        auto port = share.take(ec);
        if (port) taken.push_back(std::move(port));
    }
    ASSERT_EQ(taken.size(), 8u);
    ::kill(daemon_, SIGSTOP);
    for (int i = 0; i < 1000; ++i) {
        auto port = share.take(ec);
        if (port) taken.push_back(std::move(port));
    }
    ::kill(daemon_, SIGCONT);
    EXPECT_TRUE(comes_true([&] {
        auto port = share.take(ec);
        const bool good = static_cast<bool>(port);
        if (good) taken.push_back(std::move(port));
        return good;
    })) << last_refusal(share).what;
    EXPECT_EQ(listed().consumers, 1u);
    take_what_is_here(share, taken);
    expect_in_one_hand(taken);
}

}  // namespace
}  // namespace berth::test
