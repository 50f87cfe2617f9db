// The daemon dies, the keeper dies, the machine starts again, the store is gone: what holds in each case.
#include "block_store.hpp"
#include "daemon_ground.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

namespace berth::test {
namespace {

using namespace std::chrono_literals;

class daemon_deaths : public daemon_ground {
protected:
    port_block create(transport protocol, std::uint32_t count) {
        failure f;
        const auto block = free_block(count, protocol);
        create_persistent(block, protocol, f, at());
        EXPECT_FALSE(f) << f.what;
        return block;
    }
    template <class Condition>
    static bool comes_true(Condition condition) {
        for (int i = 0; i < 1000; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(10ms);
        }
        return false;
    }
    [[nodiscard]] std::string store_path() const { return state() + "/blocks.db"; }
};

TEST_F(daemon_deaths, a_daemon_started_again_has_the_very_same_sockets_and_tokens) {
    start();
    const auto tcp = create(transport::tcp, 300);
    const auto udp = create(transport::udp, 20);
    failure f;
    const auto token = lookup_persistent(tcp, transport::tcp, f, at());
    const auto tcp_sockets = inodes_on(transport::tcp, tcp), udp_sockets = inodes_on(transport::udp, udp);
    for (int i = 0; i < 10; ++i) {
        if (i % 2 == 0) {
            kill_daemon();
        } else {
            EXPECT_EQ(stop_daemon(), 0);
        }
        expect_held(transport::tcp, tcp);
        expect_held(transport::udp, udp);
        start();
        EXPECT_EQ(inodes_on(transport::tcp, tcp), tcp_sockets);
        EXPECT_EQ(inodes_on(transport::udp, udp), udp_sockets);
        EXPECT_EQ(lookup_persistent(tcp, transport::tcp, f, at()), token);
    }
    remove_persistent(tcp, transport::tcp, f, at());
    EXPECT_FALSE(f) << f.what;
    expect_free(transport::tcp, tcp);
}

TEST_F(daemon_deaths, a_keeper_that_dies_is_replaced_and_no_port_is_free) {
    start();
    const auto block = create(transport::tcp, 30);
    const auto sockets = inodes_on(transport::tcp, block);
    const pid_t first = keeper();
    ::kill(first, SIGKILL);
    expect_held(transport::tcp, block);
    ASSERT_TRUE(comes_true([&] { return keeper() != first && keeper() > 0; })) << log();
    kill_daemon();
    expect_held(transport::tcp, block);
    start();
    EXPECT_EQ(inodes_on(transport::tcp, block), sockets);
}

TEST_F(daemon_deaths, a_keeper_that_hangs_is_not_waited_for) {
    start();
    const auto block = create(transport::udp, 4);
    const auto refused = free_block(4, transport::udp);
    const pid_t first = keeper();
    ::kill(first, SIGSTOP);
    failure f;
    create_persistent(refused, transport::udp, f, at());
    EXPECT_EQ(f.code, errc::system_failure) << "it could not be kept";
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(persistent_status(f, at()).blocks, 1u) << f.what;
    EXPECT_LT(std::chrono::steady_clock::now() - began, 8s);
    ::kill(first, SIGCONT);
    ASSERT_TRUE(comes_true([&] {
        create_persistent(refused, transport::udp, f, at());
        return !f;
    })) << f.what
        << log();
    remove_persistent(refused, transport::udp, f, at());
    kill_daemon();
    expect_free(transport::udp, refused);
    expect_held(transport::udp, block);
    start();
    EXPECT_EQ(persistent_status(f, at()).blocks_held, 1u);
}

TEST_F(daemon_deaths, tokens_change_when_the_machine_starts_and_only_then) {
    start();
    const auto block = create(transport::udp, 3);
    failure f;
    const auto before = lookup_persistent(block, transport::udp, f, at());
    kill_daemon();
    end_keeper();
    {
        const auto store = daemon::block_store::open(store_path(), f);
        ASSERT_TRUE(store) << f.what;
        auto contents = store->contents();
        contents.boot.low ^= 1;  // as a start before this one left it
        store->commit(contents, f);
    }
    expect_free(transport::udp, block);
    start();
    expect_held(transport::udp, block);
    const auto after = lookup_persistent(block, transport::udp, f, at());
    EXPECT_TRUE(after) << f.what;
    EXPECT_NE(after, before);
    kill_daemon();
    start();
    EXPECT_EQ(lookup_persistent(block, transport::udp, f, at()), after);
}

TEST_F(daemon_deaths, a_port_that_somebody_had_first_is_held_as_soon_as_it_is_free) {
    start();
    const auto block = create(transport::udp, 3);
    const auto other = create(transport::udp, 3);
    kill_daemon();
    end_keeper();
    const int stranger = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6;
    a.sin6_port = htons(static_cast<std::uint16_t>(block.first + 1));
    ASSERT_EQ(::bind(stranger, reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
    start();
    failure f;
    EXPECT_EQ(persistent_status(f, at()).blocks_held, 1u);
    expect_held(transport::udp, other);
    bool said = false;
    for (const auto& b : list_persistent(f, at())) {
        if (b.block != block) continue;
        EXPECT_FALSE(b.is_held);
        said = b.why_not_held.find(std::to_string(block.first + 1)) != std::string::npos;
    }
    EXPECT_TRUE(said) << log();
    EXPECT_TRUE(lookup_persistent(block, transport::udp, f, at())) << "the block is ours all the same";
    ::close(stranger);
    ASSERT_TRUE(comes_true([&] { return persistent_status(f, at()).blocks_held == 2; })) << log();
    expect_held(transport::udp, block);
}

TEST_F(daemon_deaths, a_store_that_is_not_the_one_that_it_was_is_refused) {
    start();
    const auto a = create(transport::tcp, 2);
    const auto b = create(transport::udp, 2);
    kill_daemon();
    std::filesystem::rename(store_path(), store_path() + ".elsewhere");
    const auto refused = run({});
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.said.find("2 blocks"), std::string::npos) << refused.said;
    expect_held(transport::tcp, a);
    expect_held(transport::udp, b);
    std::filesystem::rename(store_path() + ".elsewhere", store_path());
    start();
    failure f;
    EXPECT_EQ(persistent_status(f, at()).blocks_held, 2u);
}

TEST_F(daemon_deaths, a_damaged_store_is_set_aside_and_refused_again_and_again) {
    start();
    const auto block = create(transport::tcp, 2);
    EXPECT_EQ(stop_daemon(), 0);
    std::fstream(store_path(), std::ios::in | std::ios::out | std::ios::binary).seekp(0) << "damage";
    for (int i = 0; i < 3; ++i) {
        const auto refused = run({});
        EXPECT_EQ(refused.status, 1);
        EXPECT_NE(refused.said.find(store_path()), std::string::npos) << refused.said;
        EXPECT_NE(refused.said.find("put a good copy in its place"), std::string::npos) << refused.said;
    }
    EXPECT_EQ(run({"--check"}).status, 1);
    expect_held(transport::tcp, block);
}

TEST_F(daemon_deaths, a_second_daemon_says_who_is_there) {
    start();
    const auto same = run({});
    EXPECT_EQ(same.status, 1);
    EXPECT_NE(same.said.find("process " + std::to_string(daemon_)), std::string::npos) << same.said;
    const auto same_socket = run({"--state", (directory_ / "other_state").string()});
    EXPECT_EQ(same_socket.status, 1) << same_socket.said;
    EXPECT_TRUE(answers());
}

TEST_F(daemon_deaths, check_says_what_is_wrong_and_starts_nothing) {
    auto checked = run({"--check"});
    EXPECT_EQ(checked.status, 0) << checked.said;
    EXPECT_FALSE(std::filesystem::exists(state() + "/keeper.sock"));
    EXPECT_EQ(run({"--check", "--keeper", "/nonexistent"}).status, 1);
    EXPECT_EQ(run({"--check", "--group", "no such group"}).status, 1);
    EXPECT_EQ(run({"--no-such-option"}).status, 2);
    EXPECT_EQ(run({"--version"}).status, 0);
}

}  // namespace
}  // namespace berth::test
