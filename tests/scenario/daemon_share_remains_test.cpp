// What a consumer leaves behind: spoilt sockets, copies of them, clients that do not answer, a daemon that starts in
// the middle of it. The next consumer gets ports as new, and berthd waits for nobody.
#include "loopback.hpp"
#include "platform/keeper_link.hpp"
#include "rude_consumer.hpp"

#include <linux/filter.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace berth::test {
namespace {

using namespace std::chrono_literals;

// False: this kernel lets nobody do so without privilege.
bool deafen(int fd) {
    sock_filter drop_all{BPF_RET | BPF_K, 0, 0, 0};
    sock_fprog program{1, &drop_all};
    return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

void spoil(int fd) {
    deafen(fd);
    const int one = 1;
    ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof one), 0);
}

// Its other side does not read: a close that lingers waits for it.
void fill(int fd) {
    const std::vector<char> bytes(1 << 16);
    while (::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
}

bool is_spoilt(int fd) {
    int locked = 0;
    socklen_t size = sizeof locked;
    ::getsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &locked, &size);
    return locked != 0;
}

class daemon_share_remains : public rude_ground {
protected:
    void TearDown() override {
        for (const pid_t child : children_) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
    }
    /// A process that keeps copies of these descriptors, and no others, until the test ends it.
    pid_t keep_copies(std::initializer_list<int> fds) {
        const pid_t child = ::fork();
        if (child == 0) {
            for (int fd = 3; fd < 1024; ++fd) {
                if (std::find(fds.begin(), fds.end(), fd) == fds.end()) ::close(fd);
            }
            for (;;) ::pause();
        }
        children_.push_back(child);
        return child;
    }
    void end(pid_t child) {
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        std::erase(children_, child);
    }
    void restart() {
        EXPECT_EQ(stop_daemon(), 0);
        start(daemon_options());
    }
    /// Whoever has all ports spoils each, and is killed.
    void spoil_all_and_die() {
        const pid_t child = ::fork();
        if (child == 0) {
            auto share = open(token_, 253);
            auto all = take_all(share);
            for (auto& p : all) spoil(static_cast<int>(p.native_handle()));
            ::raise(SIGKILL);
        }
        ::waitpid(child, nullptr, 0);
    }
    void expect_none_spoilt(std::uint32_t count) {
        auto share = open(token_, 253);
        std::vector<bound_port> all;
        EXPECT_TRUE(comes_true([&] {
            for (auto& p : take_all(share)) all.push_back(std::move(p));
            return all.size() == count;
        })) << all.size();
        for (auto& p : all) EXPECT_FALSE(is_spoilt(static_cast<int>(p.io_handle()))) << p.port();
    }
    /// Pre: no daemon runs. The keeper forgets the holder of another port than this.
    void lose_the_holder(std::uint16_t of) const {
        failure f;
        const auto keeper = daemon::keeper_link::open({state() + "/keeper.sock", "/bin/false"}, f);
        ASSERT_TRUE(keeper) << f.what;
        std::vector<daemon::kept_socket> kept;
        keeper->fetch(kept, f);
        const auto one = std::find_if(kept.begin(), kept.end(), [&](const auto& s) {
            return s.key.role == daemon::socket_role::holder && s.key.port == of;
        });
        ASSERT_NE(one, kept.end());
        const auto key = one->key;
        for (const auto& s : kept) ::close(s.fd);
        keeper->remove(std::span(&key, 1), f);
        EXPECT_FALSE(f) << f.what;
    }
    [[nodiscard]] std::chrono::nanoseconds time_to_answer() const {
        const auto began = std::chrono::steady_clock::now();
        EXPECT_TRUE(answers());
        return std::chrono::steady_clock::now() - began;
    }

    std::vector<pid_t> children_;
};

TEST_F(daemon_share_remains, a_daemon_that_starts_amid_spoilt_sockets_lends_none_of_them) {
    create(transport::udp, 60);
    for (const auto pause : {0ms, 2ms, 5ms}) {
        spoil_all_and_die();
        std::this_thread::sleep_for(pause);
        restart();
        expect_none_spoilt(60);
        ASSERT_TRUE(comes_true([&] { return ports_out() == 0; }));
    }
}

TEST_F(daemon_share_remains, a_daemon_that_is_killed_amid_spoilt_listeners_lends_none_of_them) {
    create(transport::tcp, 40);
    spoil_all_and_die();
    kill_daemon();
    start(daemon_options());
    expect_none_spoilt(40);
}

TEST_F(daemon_share_remains, sockets_spoilt_while_there_is_no_daemon_are_lent_by_none) {
    for (const auto protocol : {transport::udp, transport::tcp}) {
        create(protocol, 20);
        std::vector<int> copies;
        {
            auto share = open(token_, 253);
            for (auto& p : take_all(share)) copies.push_back(::dup(static_cast<int>(p.native_handle())));
        }
        ASSERT_EQ(copies.size(), 20u);
        ASSERT_TRUE(comes_true([&] { return ports_out() == 0; }));
        EXPECT_EQ(stop_daemon(), 0);
        for (const int fd : copies) spoil(fd), ::close(fd);
        start(daemon_options());
        expect_none_spoilt(20);
    }
}

class with_a_copy : public daemon_share_remains {
protected:
    void restart_while_a_copy_lives(transport protocol) {
        create(protocol, 8);
        auto share = open(token_, 4);
        auto port = share.take();
        const int fd = static_cast<int>(port.native_handle());
        const auto number = port.port();
        spoil(fd);
        const pid_t keeper = keep_copies({fd});
        error_code ec;
        port.give_back(ec);
        share.reclaim();
        ASSERT_TRUE(comes_true([&] { return share.statistics().ports.condemned == 0; }));
        restart();
        EXPECT_TRUE(listed().is_held) << listed().why_not_held;
        auto others = take_all(share);
        EXPECT_EQ(others.size(), 7u) << "all but the one whose old socket lives";
        for (const auto& p : others) EXPECT_NE(p.port(), number);
        end(keeper);
        EXPECT_TRUE(comes_true([&] {
            auto late = share.take(ec);
            if (late) others.push_back(std::move(late));
            return others.size() == 8;
        }));
    }
};

TEST_F(with_a_copy, of_a_spoilt_datagram_socket_one_port_waits_and_the_block_is_held) {
    restart_while_a_copy_lives(transport::udp);
}

TEST_F(with_a_copy, of_a_spoilt_listener_one_port_waits_and_the_block_is_held) {
    restart_while_a_copy_lives(transport::tcp);
}

TEST_F(daemon_share_remains, a_client_in_the_queue_that_does_not_answer_holds_nobody_up) {
    create(transport::tcp, 4);
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t consumer = ::fork();
    if (consumer == 0) {
        auto share = open(token_);
        auto port = share.take();
        const linger patient{1, 5};
        ::setsockopt(static_cast<int>(port.native_handle()), SOL_SOCKET, SO_LINGER, &patient, sizeof patient);
        const int client = connected_client(port.port());
        if (!deafen(client)) fill(client);
        keep_copies({client});
        const auto kept = children_.back();
        if (::write(pipe[1], &kept, sizeof kept) != sizeof kept) ::_exit(1);
        ::raise(SIGKILL);
    }
    pid_t kept = 0;
    ASSERT_EQ(::read(pipe[0], &kept, sizeof kept), static_cast<ssize_t>(sizeof kept));
    ::waitpid(consumer, nullptr, 0);
    std::this_thread::sleep_for(50ms);
    EXPECT_LT(time_to_answer(), 2s);
    EXPECT_TRUE(comes_true([&] { return ports_out() == 0; }));
    ::kill(kept, SIGKILL);
    ::close(pipe[0]), ::close(pipe[1]);
}

TEST_F(daemon_share_remains, a_descriptor_that_lingers_holds_nobody_up) {
    create(transport::udp, 4);
    const destination listener;
    const auto consumer = rude_consumer();
    for (const bool first_message : {true, false}) {
        const int client = connected_client(listener.port);
        const int served = accept_within(listener.fd);
        fill(client);
        const linger patient{1, 5};
        ::setsockopt(client, SOL_SOCKET, SO_LINGER, &patient, sizeof patient);
        platform::descriptor fresh;
        ASSERT_EQ(platform::connect_local(socket(), 1000ms, fresh), 0);
        std::this_thread::sleep_for(20ms);
        ::kill(daemon_, SIGSTOP);
        const int sent = send(first_message ? fresh : consumer, fetch_request(1), std::span(&client, 1));
        EXPECT_TRUE(sent == 0 || sent == EPERM) << sent;
        std::vector<platform::descriptor> ours;
        ours.emplace_back(client);
        const auto began = std::chrono::steady_clock::now();
        sent == 0 ? ours.clear() : platform::close_at_once(ours);  // as the daemon does without such a kernel
        EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
        ::kill(daemon_, SIGCONT);
        EXPECT_LT(time_to_answer(), 2s);
        ::close(served);
    }
}

// Without the holder of a port that a consumer has, as after a hand that meddled: the block cannot be held.
TEST_F(daemon_share_remains, a_block_that_is_not_held_is_not_removed_while_ports_of_it_are_out) {
    create(transport::udp, 8);
    auto share = open(token_, 2);
    auto port = share.take();
    const auto out = ports_out();
    EXPECT_EQ(stop_daemon(), 0);
    lose_the_holder(port.port());
    start(daemon_options());
    ASSERT_FALSE(listed().is_held);
    failure f;
    remove_persistent(block_, protocol_, f, at());
    EXPECT_EQ(f.code, errc::reservation_busy) << f.what;
    EXPECT_LE(f.count, out);
    EXPECT_GE(f.count, 1u);
}

TEST_F(daemon_share_remains, idle_ports_do_not_keep_a_block_from_a_daemon_and_keeper_that_are_both_new) {
    create(transport::udp, 16);
    auto share = open(token_, 16);
    auto port = std::make_optional(share.take());
    kill_daemon();
    end_keeper();
    start(daemon_options());
    port.reset();
    EXPECT_TRUE(comes_true([&] { return listed().is_held; })) << listed().why_not_held;
    EXPECT_EQ(share.statistics().ports.available, 0u);
    auto other = open(token_, 16);
    EXPECT_TRUE(other.take());
    error_code ec;
    EXPECT_TRUE(share.take(ec)) << ec.message();
}

}  // namespace
}  // namespace berth::test
