// See contestant.hpp.
#include "outbound_proxy/contestant.hpp"

#include "measure/clock.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace berth::bench {
namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    return at;
}

bool listens(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in at = loopback(port);
    const bool does = ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    ::close(fd);
    return does;
}

bool is_free(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in at = loopback(port);
    const bool free = ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    ::close(fd);
    return free;
}

void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

}  // namespace

contestant::contestant(std::string name, std::vector<std::string> command, entrance at)
    : name_(std::move(name)), at_(std::move(at)) {
    const char* const folder = std::getenv("TMPDIR");
    said_ = std::string(folder != nullptr ? folder : "/tmp") + "/" + name_ + ".log";
    std::vector<char*> words;
    for (std::string& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int log = ::open(said_.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
        ::dup2(log, STDOUT_FILENO);
        ::dup2(log, STDERR_FILENO);
        ::execvp(words.front(), words.data());
        ::_exit(127);
    }
    for (int i = 0; i < 1000; ++i, pause()) {
        if (listens(at_.ports.front())) return;
        if (::waitpid(child_, nullptr, WNOHANG) == child_) {
            child_ = -1;
            break;
        }
    }
    std::ostringstream text;
    text << std::ifstream(said_).rdbuf();
    stop();
    throw std::runtime_error(name_ + " does not come up; it said: " + text.str());
}

contestant::~contestant() { stop(); }

int contestant::stop() {
    if (child_ <= 0) return -1;
    ::kill(child_, SIGTERM);
    int status = 0;
    for (int i = 0; i < 1000; ++i, pause()) {
        if (::waitpid(child_, &status, WNOHANG) != child_) continue;
        child_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    ::kill(child_, SIGKILL);
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return -1;
}

std::int64_t contestant::processor_time() const {
    std::int64_t sum = 0;
    std::error_code gone;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(child_) + "/task", gone)) {
        std::int64_t time = 0;
        std::ifstream(task.path() / "schedstat") >> time;
        sum += time;
    }
    return sum;
}

std::uint16_t quiet_ports(std::uint32_t count) {
    static std::uint32_t next = 10000 + static_cast<std::uint32_t>(::getpid()) % 97 * 64;
    for (std::uint32_t run = 0; next < 32000;) {
        run = is_free(static_cast<std::uint16_t>(next++)) ? run + 1 : 0;
        if (run == count) return static_cast<std::uint16_t>(next - count);
    }
    throw std::runtime_error("no " + std::to_string(count) + " ports in a row that nobody has");
}

}  // namespace berth::bench
