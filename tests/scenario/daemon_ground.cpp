// Starting and ending a berthd; see daemon_ground.hpp.
#include "daemon_ground.hpp"

#include "support/oracle.hpp"

#include <berth/port_reservation.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

namespace berth::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

const std::string berthd = BERTH_DAEMON_PROGRAM;

std::string text_of(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

oracle_protocol kind_of(transport protocol) {
    return protocol == transport::udp ? oracle_protocol::udp : oracle_protocol::tcp;
}

}  // namespace

daemon_ground::daemon_ground() : directory_(fs::temp_directory_path() / "berthd") {
    fs::create_directories(directory_);
}

daemon_ground::~daemon_ground() {
    if (daemon_ != 0) kill_daemon();
    if (::access(berthd.c_str(), X_OK) == 0) end_keeper();
    if (HasFailure()) std::cout << log();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

void daemon_ground::SetUp() {
    if (::access(berthd.c_str(), X_OK) != 0) GTEST_SKIP() << "this user cannot run " << berthd;
}

std::string daemon_ground::log() const { return text_of((directory_ / "log").string()); }

pid_t daemon_ground::spawn(const std::vector<std::string>& more, const std::string& log,
                           const std::function<void()>& in_child) const {
    std::vector<std::string> words{berthd, "--socket", socket(), "--state", state()};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> arguments;
    for (auto& w : words) arguments.push_back(w.data());
    arguments.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(out, 1);
        ::dup2(out, 2);
        if (in_child) in_child();
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }
    return child;
}

void daemon_ground::start(const std::vector<std::string>& more, bool waits, const std::function<void()>& in_child) {
    daemon_ = spawn(more, (directory_ / "log").string(), in_child);
    for (int i = 0; waits && i < 2000 && !answers(); ++i) {
        if (::waitpid(daemon_, nullptr, WNOHANG) != 0) {
            daemon_ = 0;
            FAIL() << "it ended: " << log();
        }
        std::this_thread::sleep_for(5ms);
    }
    if (waits && !answers()) FAIL() << "it does not answer: " << log();
}

daemon_ground::ended daemon_ground::run(const std::vector<std::string>& more) const {
    const auto log = (directory_ / "other").string();
    fs::remove(log);
    ended out;
    const pid_t child = spawn(more, log);
    for (int i = 0; i < 2000 && ::waitpid(child, &out.status, WNOHANG) == 0; ++i) {
        if (i == 1999) ::kill(child, SIGKILL), ::waitpid(child, &out.status, 0);
        std::this_thread::sleep_for(5ms);
    }
    out.status = WIFEXITED(out.status) ? WEXITSTATUS(out.status) : -1;
    out.said = text_of(log);
    return out;
}

void daemon_ground::kill_daemon() {
    ::kill(daemon_, SIGKILL);
    ::waitpid(daemon_, nullptr, 0);
    daemon_ = 0;
}

int daemon_ground::stop_daemon() {
    int status = 0;
    ::kill(daemon_, SIGTERM);
    ::waitpid(daemon_, &status, 0);
    daemon_ = 0;
    return status;
}

void daemon_ground::end_keeper() const { static_cast<void>(run({"--end-keeper"})); }

bool daemon_ground::answers() const {
    failure f;
    return persistent_status(f, at()).process == static_cast<std::uint32_t>(daemon_) && !f;
}

pid_t daemon_ground::keeper() const {
    failure f;
    const auto said = persistent_status(f, at()).keeper;
    const std::string before = "process ";
    const auto number = said.find(before);
    return number == std::string::npos ? 0 : static_cast<pid_t>(std::stol(said.substr(number + before.size())));
}

bool daemon_ground::can_bind(transport protocol, std::uint16_t port) {
    const int fd = ::socket(AF_INET6, (protocol == transport::udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6;
    a.sin6_port = htons(port);
    const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
    ::close(fd);
    return bound;
}

std::set<std::uint64_t> daemon_ground::inodes_on(transport protocol, const port_block& block) {
    std::set<std::uint64_t> out;
    for (const auto& s : sockets_on(kind_of(protocol), block.first, block.count)) out.insert(s.inode);
    return out;
}

void daemon_ground::expect_held(transport protocol, const port_block& block) {
    EXPECT_EQ(sockets_on(kind_of(protocol), block.first, block.count).size(), 2 * block.count);
    for (std::uint32_t i = 0; i < block.count; ++i) {
        ASSERT_FALSE(can_bind(protocol, static_cast<std::uint16_t>(block.first + i))) << block.first + i;
    }
}

void daemon_ground::expect_free(transport protocol, const port_block& block) {
    for (std::uint32_t i = 0; i < block.count; ++i) {
        ASSERT_TRUE(can_bind(protocol, static_cast<std::uint16_t>(block.first + i))) << block.first + i;
    }
}

}  // namespace berth::test
