// The daemon's door: who may not ask gets no token and no port, and whoever asks too much, too slowly or nonsense
// does not keep anybody else waiting.
#include "daemon_ground.hpp"
#include "persistent/message.hpp"
#include "platform/linux/local_socket.hpp"

#include <grp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <random>

namespace berth::test {
namespace {

using detail::answer_size;
using detail::request_kind;
using detail::request_size;
using detail::service_request;
using platform::descriptor;
using namespace std::chrono_literals;

constexpr uid_t stranger = 54321;
constexpr gid_t group = 54322;

class daemon_door : public daemon_ground {
protected:
    void SetUp() override {
        daemon_ground::SetUp();
        if (!IsSkipped()) start();
    }
    [[nodiscard]] descriptor connect() const {
        descriptor out;
        EXPECT_EQ(platform::connect_local(socket(), 2000ms, out), 0);
        return out;
    }
    static int send(const descriptor& to, std::span<const std::byte> bytes, std::span<const int> fds = {}) {
        return platform::send_message(to.get(), bytes, fds);
    }
    /// The size of the next message; 0: the other side is gone.
    static std::size_t receive(const descriptor& from) {
        std::byte bytes[512];
        std::size_t size = 0;
        std::vector<descriptor> none;
        return platform::receive_message(from.get(), bytes, size, none) == 0 ? size : 0;
    }
    static auto status_request() { return detail::encode(service_request{.kind = request_kind::status}); }

    /// Runs `attempt` as somebody else; what it returned.
    template <class Attempt>
    static int as_somebody_else(std::vector<gid_t> groups, gid_t own, Attempt attempt) {
        const pid_t child = ::fork();
        if (child == 0) {
            if (::setgroups(groups.size(), groups.data()) != 0 || ::setresgid(own, own, own) != 0 ||
                ::setresuid(stranger, stranger, stranger) != 0) {
                ::_exit(99);
            }
            ::_exit(attempt());
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    /// The errc of each call that such a one makes, one after the other; 0 if all are denied.
    [[nodiscard]] int ask_everything(const port_block& block) const {
        failure f;
        lookup_persistent(block, transport::tcp, f, at());
        if (f.code != errc::permission_denied) return 1;
        create_persistent({40000, 2}, transport::tcp, f, at());
        if (f.code != errc::permission_denied) return 2;
        remove_persistent(block, transport::tcp, f, at());
        if (f.code != errc::permission_denied) return 3;
        if (!list_persistent(f, at()).empty() || f.code != errc::permission_denied) return 4;
        persistent_status(f, at());
        return f.code == errc::permission_denied ? 0 : 5;
    }
    void open_directory() const {
        std::filesystem::permissions(directory_, std::filesystem::perms(0755));
        std::filesystem::permissions(directory_.parent_path(), std::filesystem::perms(0755));
    }
};

TEST_F(daemon_door, a_stranger_gets_no_token_and_no_port) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: there is nobody else to be";
    failure f;
    const auto block = free_block(2, transport::tcp);
    create_persistent(block, transport::tcp, f, at());
    open_directory();
    EXPECT_EQ(as_somebody_else({}, stranger, [&] { return ask_everything(block); }), 0) << "the socket's mode";
    ASSERT_EQ(::chmod(socket().c_str(), 0666), 0);
    EXPECT_EQ(as_somebody_else({}, stranger, [&] { return ask_everything(block); }), 0) << "the daemon itself";
    EXPECT_EQ(as_somebody_else({}, stranger, [&] { return can_bind(transport::tcp, block.first) ? 1 : 0; }), 0);
    const auto status = persistent_status(f, at());
    EXPECT_EQ(status.blocks, 1u);
    EXPECT_EQ(status.refused, 5u);
    struct stat kept {};
    ASSERT_EQ(::stat((state() + "/keeper.sock").c_str(), &kept), 0);
    EXPECT_EQ(kept.st_mode & 0777, 0600u);
    ASSERT_EQ(::stat(state().c_str(), &kept), 0);
    EXPECT_EQ(kept.st_mode & 0777, 0700u);
}

TEST_F(daemon_door, members_of_the_group_may_do_everything) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: there is nobody else to be";
    stop_daemon();
    start({"--group", std::to_string(group)});
    open_directory();
    const auto block = free_block(2, transport::tcp);
    const auto all = [&] {
        failure f;
        if (!create_persistent(block, transport::tcp, f, at())) return 1;
        if (!lookup_persistent(block, transport::tcp, f, at())) return 2;
        if (list_persistent(f, at()).size() != 1) return 3;
        remove_persistent(block, transport::tcp, f, at());
        return f ? 4 : 0;
    };
    EXPECT_EQ(as_somebody_else({}, group, all), 0) << "by its own group";
    EXPECT_EQ(as_somebody_else({1, group, 2}, stranger, all), 0) << "by a supplementary one";
    EXPECT_EQ(as_somebody_else({1, 2}, stranger, [&] { return ask_everything(block); }), 0) << "not a member";
}

TEST_F(daemon_door, strangers_in_a_crowd_do_not_keep_others_out) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: there is nobody else to be";
    open_directory();
    ASSERT_EQ(::chmod(socket().c_str(), 0666), 0);
    const auto descriptors = [this] {
        const std::filesystem::directory_iterator all("/proc/" + std::to_string(daemon_) + "/fd");
        return std::distance(begin(all), end(all));
    };
    const auto before = descriptors();
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t crowd = ::fork();
    if (crowd == 0) {
        static_cast<void>(::setresuid(stranger, stranger, stranger));
        std::vector<descriptor> all(600);
        for (auto& one : all) static_cast<void>(platform::connect_local(socket(), 100ms, one));
        static_cast<void>(::write(ready[1], "x", 1));
        ::pause();
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    failure f;
    EXPECT_EQ(persistent_status(f, at()).clients, 1u) << f.what;
    EXPECT_LE(descriptors(), before + 20) << "of 600 only 16 at a time are told";
    ::kill(crowd, SIGKILL);
    ::waitpid(crowd, nullptr, 0);
    ::close(ready[0]), ::close(ready[1]);
}

TEST_F(daemon_door, a_message_that_is_none_ends_its_connection_and_no_other) {
    const auto steady = connect();
    std::vector<std::vector<std::byte>> bad;
    for (const std::size_t size :
         {std::size_t{1}, request_size - 1, request_size + 1, answer_size, std::size_t{60'000}}) {
        bad.emplace_back(size, std::byte{0x55});
    }
    bad.emplace_back(request_size, std::byte{0});
    auto wrong = status_request();
    wrong[4] = std::byte{2};  // version
    bad.emplace_back(wrong.begin(), wrong.end());
    for (const auto& bytes : bad) {
        const auto one = connect();
        ASSERT_EQ(send(one, bytes), 0);
        EXPECT_EQ(receive(one), 0u) << bytes.size();
        ASSERT_EQ(send(steady, status_request()), 0);
        EXPECT_EQ(receive(steady), answer_size);
    }
    const auto one = connect();
    const int fds[] = {0, 1, 2};
    const int sent = send(one, status_request(), fds);
    EXPECT_TRUE(sent == 0 || sent == EPERM) << sent;
    if (sent == EPERM) static_cast<void>(send(one, bad.front()));  // the kernel refused it: nothing has arrived
    EXPECT_EQ(receive(one), 0u) << "descriptors where none belong";
    failure f;
    EXPECT_EQ(persistent_status(f, at()).refused, bad.size() + 1);
}

TEST_F(daemon_door, a_flood_of_nonsense) {
    std::mt19937 random(std::random_device{}());
    const auto good = detail::encode(service_request{.kind = request_kind::create, .block = {40000, 10}});
    const int zero = 0;
    failure f;
    for (int i = 0; i < 5000; ++i) {
        const auto one = connect();
        std::vector<std::byte> bytes(good.begin(), good.end());
        for (auto n = random() % 8; n != 0; --n) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        const auto at_fault = random() % 6;  // magic or version: nothing else makes it a message
        bytes[at_fault] = good[at_fault] ^ static_cast<std::byte>(1 + random() % 255);
        if (random() % 4 == 0) bytes.resize(1 + random() % 200);
        for (int again = 0; again < 3; ++again) {
            if (send(one, bytes, {&zero, random() % 2}) != 0) break;
        }
        if (i % 500 == 0) {
            EXPECT_EQ(persistent_status(f, at()).blocks, 0u) << f.what;
        }
    }
    EXPECT_EQ(persistent_status(f, at()).blocks, 0u) << f.what << log();
}

TEST_F(daemon_door, who_does_not_read_its_answers_is_let_go_of) {
    const auto deaf = connect();
    int sent = 0;
    failure f;
    while (sent < 100'000 && send(deaf, status_request()) == 0) ++sent;
    EXPECT_LT(sent, 100'000);
    EXPECT_EQ(persistent_status(f, at()).clients, 1u);
}

TEST_F(daemon_door, there_is_room_for_so_many_and_no_more) {
    rlimit limit{1024, 1024};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 400) GTEST_SKIP() << "too few descriptors for a crowd";
    std::vector<descriptor> inside;
    while (inside.size() < 256) {
        inside.push_back(connect());
        ASSERT_EQ(send(inside.back(), status_request()), 0);
        ASSERT_EQ(receive(inside.back()), answer_size) << inside.size();
    }
    failure f;
    persistent_status(f, at());
    EXPECT_EQ(f.code, errc::service_unavailable);
    EXPECT_NE(f.what.find("too many clients"), std::string::npos) << f.what;
    inside.pop_back();
    for (int i = 0; i < 200 && !answers(); ++i) ::usleep(10'000);
    EXPECT_EQ(persistent_status(f, at()).clients, 256u) << f.what;
}

TEST_F(daemon_door, a_busy_client_does_not_keep_others_waiting) {
    const pid_t busy = ::fork();
    if (busy == 0) {
        const auto one = connect();
        for (;;) {
            send(one, status_request());
            receive(one);
        }
    }
    failure f;
    auto longest = 0ms;
    for (int i = 0; i < 200; ++i) {
        const auto began = std::chrono::steady_clock::now();
        persistent_status(f, at());
        ASSERT_FALSE(f) << f.what;
        longest = std::max(
            longest, std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began));
    }
    EXPECT_LT(longest, 1000ms);
    ::kill(busy, SIGKILL);
    ::waitpid(busy, nullptr, 0);
}

}  // namespace
}  // namespace berth::test
