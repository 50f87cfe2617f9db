// A release while callers still have sockets: their ports stay theirs until the process ends, all others go back.
#include "loopback.hpp"
#include "share_ground.hpp"

#include <berth/associate.hpp>

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace berth::test {
namespace {

using namespace std::chrono_literals;

class daemon_share_release : public share_ground {
protected:
    void TearDown() override {
        if (daemon_ > 0) ::kill(daemon_, SIGCONT);
    }
    /// Runs in a process of its own, whose end is the end of what it has: 0 if all was as it should be.
    template <class Body>
    int in_child(Body body) {
        const pid_t child = ::fork();
        if (child == 0) {
            const int status = body();
            if (status != 0) ::_exit(status);
            ::_exit(HasFailure() ? 100 : 0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    [[nodiscard]] bool is_lent_to_others(std::uint16_t port) {
        auto other = open(token_);
        for (const auto& p : take_all(other)) {
            if (p.port() == port) return true;
        }
        return false;
    }
};

TEST_F(daemon_share_release, a_duplicate_of_a_port_given_back_after_the_release_keeps_it) {
    create(transport::udp, 8);
    EXPECT_EQ(in_child([&] {
                  auto share = open(token_, 8);
                  auto port = share.take();
                  error_code ec;
                  const int copy = static_cast<int>(port.duplicate(ec));
                  const auto number = port.port();
                  failure f;
                  share.release(f, if_taken::detach);
                  EXPECT_TRUE(comes_true([&] { return ports_out() == 1; })) << ports_out() << ": the idle ones";
                  port.give_back(ec);
                  std::this_thread::sleep_for(100ms);
                  EXPECT_EQ(ports_out(), 1u);
                  EXPECT_FALSE(is_lent_to_others(number));
                  EXPECT_TRUE(hears(copy, number));
                  return ec ? 1 : 0;
              }),
              0);
    EXPECT_TRUE(comes_true([&] { return ports_out() == 0; }));
}

TEST_F(daemon_share_release, a_duplicate_kept_at_the_release_keeps_its_port_and_no_other) {
    create(transport::udp, 16);
    EXPECT_EQ(in_child([&] {
                  auto share = open(token_, 16);
                  std::uint16_t number = 0;
                  int copy = -1;
                  error_code ec;
                  {
                      auto port = share.take();
                      number = port.port();
                      copy = static_cast<int>(port.duplicate(ec));
                  }
                  share.release();
                  EXPECT_TRUE(comes_true([&] { return ports_out() == 1; })) << ports_out();
                  EXPECT_FALSE(is_lent_to_others(number));
                  EXPECT_GE(copy, 0);
                  return 0;
              }),
              0);
    EXPECT_TRUE(comes_true([&] { return ports_out() == 0; }));
}

TEST_F(daemon_share_release, a_port_that_is_still_out_is_the_only_one_that_stays_out) {
    create(transport::udp, 16);
    auto share = open(token_, 16);
    auto port = share.take();
    failure f;
    share.release(f, if_taken::detach);
    EXPECT_FALSE(f) << f.what;
    EXPECT_TRUE(comes_true([&] { return ports_out() == 1; })) << ports_out();
    EXPECT_FALSE(is_lent_to_others(port.port()));
    error_code ec;
    port.give_back(ec);
    EXPECT_TRUE(comes_true([&] { return ports_out() == 0 && listed().consumers == 0; }));
}

TEST_F(daemon_share_release, ports_that_live_on_are_named_to_a_daemon_that_starts_again) {
    create(transport::udp, 16);
    auto share = open(token_, 16);
    auto out = share.take(), given = share.take();
    error_code ec;
    const int copy = static_cast<int>(given.duplicate(ec));
    const auto number = given.port();
    failure f;
    share.release(f, if_taken::detach);
    given.give_back(ec);
    kill_daemon();
    start(daemon_options());
    EXPECT_TRUE(comes_true([&] { return ports_out() == 2; })) << ports_out();
    EXPECT_FALSE(is_lent_to_others(number));
    EXPECT_TRUE(hears(copy, number));
    ::close(copy);
}

TEST_F(daemon_share_release, a_take_that_overlaps_it_says_so_and_does_not_hold_it_up) {
    create(transport::udp, 8);
    auto share = open(token_, 8);
    ::kill(daemon_, SIGSTOP);
    error_code ec;
    std::thread taker([&] { static_cast<void>(share.take(ec)); });
    std::this_thread::sleep_for(50ms);
    const auto began = std::chrono::steady_clock::now();
    share.release();
    EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
    taker.join();
    ::kill(daemon_, SIGCONT);
    EXPECT_EQ(ec, errc::reservation_released) << ec.message();
}

TEST_F(daemon_share_release, a_forked_child_hears_at_once_that_it_has_no_part_in_it) {
    create(transport::udp, 8);
    auto share = open(token_, 8);
    ::kill(daemon_, SIGSTOP);
    error_code ec;
    std::thread taker([&] { static_cast<void>(share.take(ec)); });
    std::this_thread::sleep_for(50ms);
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(5);
        ::_exit(last_refusal(share).code == errc::forked ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    ::kill(daemon_, SIGCONT);
    taker.join();
    EXPECT_EQ(status, 0);
    EXPECT_FALSE(ec) << ec.message();
}

TEST_F(daemon_share_release, threads_that_associate_at_once_leave_a_token_that_is_found) {
    create(transport::udp, 8);
    EXPECT_EQ(in_child([&] {
                  ::setenv("BERTH_SOCKET", socket().c_str(), 1);
                  std::vector<std::thread> threads;
                  for (int i = 0; i < 8; ++i) {
                      threads.emplace_back([&] {
                          error_code ec;
                          const int fd = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                          associate(fd, token_, ec);
                          EXPECT_FALSE(ec) << ec.message();
                      });
                  }
                  for (auto& t : threads) t.join();
                  const auto before = listed().consumers;
                  error_code ec;
                  associate(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), token_, ec);
                  EXPECT_FALSE(ec) << ec.message();
                  EXPECT_TRUE(comes_true([&] { return listed().consumers == 1; })) << before;
                  return 0;
              }),
              0);
}

TEST_F(daemon_share_release, a_drain_that_is_undone_leaves_nobody_looking) {
    create(transport::udp, 8);
    auto share = open(token_, 8);
    auto port = share.take();
    error_code ec;
    const int copy = static_cast<int>(port.duplicate(ec));
    port.give_back(ec);
    failure f;
    drain_persistent(block_, protocol_, true, f, at());
    ASSERT_TRUE(comes_true([&] { return ports_out() == 1; }));
    drain_persistent(block_, protocol_, false, f, at());
    std::this_thread::sleep_for(100ms);
    ::close(copy);
    share.reclaim();
    std::this_thread::sleep_for(1200ms);
    EXPECT_EQ(share.statistics().ports.available, 1u) << "idle ports are not wanted back any more";
}

}  // namespace
}  // namespace berth::test
