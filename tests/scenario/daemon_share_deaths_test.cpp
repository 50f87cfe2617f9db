// A consumer dies, the daemon dies, both: ports come back, or stay with whoever has them, and are never in two hands.
#include "loopback.hpp"
#include "share_ground.hpp"
#include "support/oracle.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <random>
#include <set>

namespace berth::test {
namespace {

using namespace std::chrono_literals;

long rounds(const char* name, long usual) {
    const char* const wanted = std::getenv(name);
    return wanted == nullptr ? usual : std::strtol(wanted, nullptr, 10);
}

class daemon_share_deaths : public share_ground {
protected:
    /// A process that takes, uses and gives back until it is killed.
    [[nodiscard]] pid_t start_consumer() const {
        const pid_t child = ::fork();
        if (child != 0) return child;
        failure f;
        auto options = here();
        options.fetch = 8;
        auto share = open_persistent(token_, f, options);
        std::vector<bound_port> taken;
        std::mt19937 random(static_cast<unsigned>(::getpid()));
        for (;;) {
            error_code ec;
            auto port = share.take(ec);
            if (port) leave_something(port);
            if (port) taken.push_back(std::move(port));
            if (!taken.empty() && random() % 3 != 0) {
                taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(random() % taken.size()));
            }
            if (ec && taken.empty()) std::this_thread::sleep_for(1ms);
        }
    }
    /// Datagrams that nobody reads, clients that nobody accepts, options that nobody asked for.
    static void leave_something(bound_port& port) {
        const int fd = static_cast<int>(port.native_handle());
        int type = 0;
        socklen_t size = sizeof type;
        ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
        const int tos = 8;
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
        if (type == SOCK_DGRAM) return send_datagram(port.port());
        const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect_to(client, AF_INET, port.port());
        close_hard(client);
    }
    /// Every port, in the order of the block, has nothing of an earlier session.
    void expect_all_as_new(std::uint32_t count) {
        auto share = open(token_);
        std::vector<bound_port> all;
        ASSERT_TRUE(comes_true([&] {
            for (auto& p : take_all(share)) all.push_back(std::move(p));
            return all.size() == count;
        })) << all.size()
            << " of " << count << ", " << last_refusal(share).what;
        for (auto& p : all) {
            const int fd = static_cast<int>(p.io_handle());
            EXPECT_FALSE(readable(fd, 0)) << "port " << p.port();
            EXPECT_TRUE(protocol_ == transport::tcp || hears(fd, p.port()));
            int tos = -1;
            socklen_t size = sizeof tos;
            ::getsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, &size);
            EXPECT_EQ(tos, 0);
        }
    }
    void kill_consumers(transport protocol, int kills) {
        create(protocol, 24);
        std::mt19937 random(std::random_device{}());
        for (int i = 0; i < kills; ++i) {
            const pid_t a = start_consumer(), b = start_consumer();
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 25'000));
            for (const pid_t child : {a, b}) {
                ::kill(child, SIGKILL);
                ::waitpid(child, nullptr, 0);
            }
            ASSERT_TRUE(comes_true([&] { return ports_out() == 0; })) << ports_out();
            EXPECT_EQ(listed().consumers, 0u);
            expect_all_as_new(24);
            if (HasFailure()) return;
            ASSERT_TRUE(comes_true([&] { return ports_out() == 0; })) << ports_out();
        }
    }
};

TEST_F(daemon_share_deaths, a_consumer_that_is_killed_gives_back_its_datagram_ports) {
    kill_consumers(transport::udp, static_cast<int>(rounds("BERTH_KILLS", 40)));
}

TEST_F(daemon_share_deaths, a_consumer_that_is_killed_gives_back_its_listeners) {
    kill_consumers(transport::tcp, static_cast<int>(rounds("BERTH_KILLS", 40)));
}

TEST_F(daemon_share_deaths, a_forked_child_keeps_the_ports_until_it_ends_and_can_use_none) {
    auto share = std::make_optional(open(create(transport::udp, 4)));
    auto port = std::make_optional(share->take());
    const auto out = ports_out();
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        error_code ec;
        const auto none = share->take(ec);
        failure f;
        auto own = open_persistent(token_, f, here());
        const bool good = ec == errc::forked && !f && own.take(ec) && !ec;
        char c = good ? 'y' : 'n';
        if (::write(pipe[1], &c, 1) != 1) ::_exit(1);
        for (;;) ::pause();
    }
    char c = 0;
    ASSERT_EQ(::read(pipe[0], &c, 1), 1);
    EXPECT_EQ(c, 'y');
    EXPECT_TRUE(hears(static_cast<int>(port->io_handle()), port->port()));
    port.reset();
    share.reset();
    std::this_thread::sleep_for(50ms);
    EXPECT_EQ(listed().consumers, 2u) << "the child has a copy of every socket, and a share of its own";
    EXPECT_GT(ports_out(), 1u);
    EXPECT_GE(out, 1u);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(comes_true([&] { return ports_out() == 0; }));
    ::close(pipe[0]), ::close(pipe[1]);
}

TEST_F(daemon_share_deaths, a_daemon_that_is_killed_and_comes_again_is_not_noticed) {
    create(transport::tcp, 40);
    auto a = open(token_, 20), b = open(token_, 20);  // no idle port of theirs is in excess
    auto taken = a.take();
    const int client = connected_client(taken.port());
    const int accepted = accept_within(static_cast<int>(taken.io_handle()));
    ASSERT_GE(accepted, 0);
    const auto inodes = inodes_on(transport::tcp, {block_.first, 1});
    for (int round = 0; round < 20; ++round) {
        const auto out = ports_out();
        round % 4 == 3 ? static_cast<void>(stop_daemon()) : kill_daemon();
        auto idle = a.take();  // of those that were fetched already
        const int second = connected_client(taken.port());
        const int with_daemon_dead = accept_within(static_cast<int>(taken.io_handle()));
        EXPECT_GE(with_daemon_dead, 0);
        close_hard(second), close_hard(with_daemon_dead);
        start(daemon_options());
        EXPECT_EQ(ports_out(), out);
        EXPECT_EQ(listed().consumers, 2u);
        EXPECT_TRUE(listed().is_held);
        ASSERT_EQ(::send(client, "x", 1, MSG_NOSIGNAL), 1) << "the connection lives on";
        EXPECT_TRUE(readable(accepted));
        char c = 0;
        EXPECT_EQ(::recv(accepted, &c, 1, 0), 1);
        const auto of_a = take_all(a), of_b = take_all(b);
        EXPECT_GE(of_a.size() + of_b.size() + 2, 39u);
        std::set<std::uint16_t> numbers{taken.port(), idle.port()};
        for (const auto& p : of_a) EXPECT_TRUE(numbers.insert(p.port()).second) << p.port() << " twice";
        for (const auto& p : of_b) EXPECT_TRUE(numbers.insert(p.port()).second) << p.port() << " twice";
    }
    close_hard(client), close_hard(accepted);
    taken = {};
    a.release(), b.release();
    EXPECT_TRUE(comes_true([&] { return ports_out() == 0; }));
    expect_all_as_new(40);
}

TEST_F(daemon_share_deaths, a_consumer_that_dies_while_there_is_no_daemon_gives_back_to_the_next) {
    create(transport::udp, 16);
    for (int round = 0; round < 10; ++round) {
        const pid_t child = start_consumer();
        ASSERT_TRUE(comes_true([&] { return ports_out() != 0; }));
        if (round % 2 == 0) kill_daemon();
        ::kill(child, SIGKILL);
        if (round % 2 == 1) kill_daemon();  // at any step of taking back
        ::waitpid(child, nullptr, 0);
        start(daemon_options());
        ASSERT_TRUE(comes_true([&] { return ports_out() == 0; })) << ports_out();
        expect_all_as_new(16);
        ASSERT_TRUE(comes_true([&] { return ports_out() == 0; }));
    }
}

TEST_F(daemon_share_deaths, a_keeper_that_dies_costs_nobody_anything) {
    create(transport::udp, 16);
    auto share = open(token_, 4);
    auto port = share.take();
    const pid_t first = keeper();
    ::kill(first, SIGKILL);
    ASSERT_TRUE(comes_true([&] { return keeper() != first && keeper() > 0; })) << log();
    const auto out = ports_out();
    kill_daemon();
    start(daemon_options());
    EXPECT_EQ(ports_out(), out);
    EXPECT_EQ(listed().consumers, 1u);
    EXPECT_EQ(take_all(share).size(), 15u);
}

// Three shares that fetch and send back all the time, and a daemon that is killed again and again. Who has a port
// writes its name into the port's cell, and finds it there when it gives the port back.
TEST_F(daemon_share_deaths, under_load_no_port_is_in_two_hands) {
    create(transport::udp, 30);
    std::vector<std::atomic<int>> owner(30);
    std::atomic<bool> ends{false};
    std::atomic<long> takes{0}, failures{0};
    std::mutex said;
    std::set<std::string> why;
    const auto worker = [&](int name) {
        auto share = open(token_, 8);
        std::mt19937 random(static_cast<unsigned>(name));
        std::vector<bound_port> mine;
        while (!ends) {
            error_code ec;
            auto port = share.take(ec);
            if (!ec) {
                ++takes;
                int nobody = 0;
                const bool alone =
                    owner[std::size_t{port.port()} - block_.first].compare_exchange_strong(nobody, name);
                EXPECT_TRUE(alone) << port.port() << " is with " << nobody << " and with " << name;
                mine.push_back(std::move(port));
            } else if (ec != errc::block_exhausted) {
                ++failures;
                const std::lock_guard lock(said);
                why.insert(last_refusal(share).what);
            }
            while (!mine.empty() && (ec || random() % 4 == 0)) {
                const auto index = std::size_t{mine.back().port()} - block_.first;
                EXPECT_EQ(owner[index].exchange(0), name);
                mine.pop_back();
            }
        }
        for (auto& p : mine) owner[std::size_t{p.port()} - block_.first] = 0;
    };
    std::vector<std::thread> threads;
    for (int name = 1; name <= 3; ++name) threads.emplace_back(worker, name);
    const long kills = rounds("BERTH_KILLS", 30);
    std::mt19937 random(std::random_device{}());
    for (long i = 0; i < kills; ++i) {
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
        kill_daemon();
        start(daemon_options());
    }
    ends = true;
    for (auto& t : threads) t.join();
    EXPECT_EQ(failures, 0) << *why.begin();
    EXPECT_GT(takes, 1000);
    ASSERT_TRUE(comes_true([&] { return ports_out() == 0; })) << ports_out();
    expect_all_as_new(30);
}

TEST_F(daemon_share_deaths, clients_of_a_listener_that_is_back_outlive_the_daemon_and_cost_no_port) {
    create(transport::tcp, 4);
    auto share = open(token_, 4);
    auto port = share.take();
    const int client = connected_client(port.port());
    const int served = accept_within(static_cast<int>(port.io_handle()));
    ASSERT_GE(served, 0);
    error_code ec;
    port.give_back(ec);
    EXPECT_FALSE(ec) << ec.message();
    share = {};
    ASSERT_TRUE(comes_true([&] { return ports_out() == 0; }));
    for (int i = 0; i < 2; ++i) {
        i == 0 ? kill_daemon() : static_cast<void>(stop_daemon());
        start(daemon_options());
        EXPECT_TRUE(listed().is_held) << listed().why_not_held;
        auto again = open(token_, 4);
        EXPECT_EQ(take_all(again).size(), 4u);
    }
    char heard = 0;
    EXPECT_EQ(::send(served, "x", 1, 0), 1);
    EXPECT_EQ(::recv(client, &heard, 1, 0), 1);
    close_hard(client), close_hard(served);
}

}  // namespace
}  // namespace berth::test
