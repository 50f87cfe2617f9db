// berthd at a socket that the service manager made (socket activation): it is there before the daemon and after it.
#include "daemon_ground.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <future>

#include "platform/linux/local_socket.hpp"

namespace berth::test {
namespace {

using platform::descriptor;

class daemon_activation : public daemon_ground {
protected:
    [[nodiscard]] descriptor make_door(int type, const std::string& path) const {
        descriptor door(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        EXPECT_EQ(::bind(door.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(door.get(), 16), 0);
        return door;
    }
    /// In the child, before the program: what a manager does.
    static void pass(std::vector<const descriptor*> doors, const char* names) {
        std::vector<int> high;
        for (const auto* door : doors) high.push_back(::fcntl(door->get(), F_DUPFD, 100));
        for (std::size_t i = 0; i < high.size(); ++i) ::dup2(high[i], static_cast<int>(3 + i)), ::close(high[i]);
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
        ::setenv("LISTEN_FDS", std::to_string(doors.size()).c_str(), 1);
        ::setenv("LISTEN_FDNAMES", names, 1);
    }
    [[nodiscard]] std::string refusal(std::vector<const descriptor*> doors, const char* names) {
        start({}, false, [&] { pass(doors, names); });
        int status = 0;
        ::waitpid(daemon_, &status, 0);
        daemon_ = 0;
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
        return log();
    }
};

TEST_F(daemon_activation, who_asks_before_it_starts_is_answered_and_the_socket_outlives_it) {
    const auto elsewhere = (directory_ / "elsewhere.sock").string();
    const auto door = make_door(SOCK_SEQPACKET, elsewhere);
    persistent_options there;
    there.socket_path = elsewhere;
    for (int round = 0; round < 3; ++round) {
        auto early = std::async(std::launch::async, [&] {
            failure f;
            const auto status = persistent_status(f, there);
            EXPECT_FALSE(f) << f.what;
            return status.process;
        });
        start({}, false, [&] { pass({&door}, "berthd.socket"); });
        EXPECT_EQ(early.get(), static_cast<std::uint32_t>(daemon_));
        EXPECT_FALSE(std::filesystem::exists(socket())) << "--socket is not used beside the one that was passed";
        EXPECT_EQ(stop_daemon(), 0);
        EXPECT_TRUE(std::filesystem::exists(elsewhere)) << "it is the manager's";
    }
}

TEST_F(daemon_activation, blocks_are_held_before_anybody_is_answered) {
    const auto door = make_door(SOCK_SEQPACKET, socket());
    start({}, true, [&] { pass({&door}, "berthd.socket"); });
    const auto block = free_block(4, transport::udp);
    const auto token = create_persistent(block, transport::udp, at());
    kill_daemon();
    auto early = std::async(std::launch::async, [&] { return lookup_persistent(block, transport::udp, at()); });
    start({}, true, [&] { pass({&door}, "berthd.socket"); });
    EXPECT_EQ(early.get(), token);
    expect_held(transport::udp, block);
}

TEST_F(daemon_activation, what_is_no_such_socket_is_refused_by_name) {
    const auto stream = make_door(SOCK_STREAM, (directory_ / "stream.sock").string());
    EXPECT_NE(refusal({&stream}, "strange").find("'strange'"), std::string::npos) << log();
    const auto one = make_door(SOCK_SEQPACKET, (directory_ / "one.sock").string());
    const auto two = make_door(SOCK_SEQPACKET, (directory_ / "two.sock").string());
    EXPECT_NE(refusal({&one, &two}, "first:second").find("'second' is one too many"), std::string::npos) << log();
    EXPECT_NE(refusal({&one}, "0000000000000001-80-1").find("--keep-with systemd"), std::string::npos) << log();
}

TEST_F(daemon_activation, what_was_meant_for_another_process_is_left_alone) {
    const auto door = make_door(SOCK_SEQPACKET, (directory_ / "other.sock").string());
    start({}, true, [&] {
        pass({&door}, "berthd.socket");
        ::setenv("LISTEN_PID", "1", 1);
    });
    EXPECT_TRUE(std::filesystem::exists(socket())) << "it made its own";
}

}  // namespace
}  // namespace berth::test
