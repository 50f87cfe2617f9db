// Linux'; see ../child_process.hpp.
#include "support/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <system_error>

namespace berth::test {

struct child_process::handles {
    pid_t child = -1;
    int out = -1;
};

child_process::child_process(const std::string& role, const std::string& word) : handles_(std::make_unique<handles>()) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category(), "pipe2");
    const std::string filter = "--gtest_filter=" + role;
    ::setenv("BERTH_CHILD_WORD", word.c_str(), 1);
    handles_->child = ::fork();
    if (handles_->child == 0) {
        ::dup2(ends[1], STDOUT_FILENO);
        ::execl("/proc/self/exe", "child", filter.c_str(), "--gtest_also_run_disabled_tests",
                static_cast<const char*>(nullptr));
        ::_exit(127);
    }
    ::unsetenv("BERTH_CHILD_WORD");
    ::close(ends[1]);
    handles_->out = ends[0];
}

child_process::~child_process() {
    kill();
    ::close(handles_->out);
}

std::string child_process::hear(std::chrono::milliseconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    for (;;) {
        if (auto line = take_line(); !line.empty()) return line;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd waited{handles_->out, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&waited, 1, static_cast<int>(left.count())) != 1) return {};
        char bytes[512];
        const auto n = ::read(handles_->out, bytes, sizeof bytes);
        if (n <= 0) return {};
        unread_.append(bytes, static_cast<std::size_t>(n));
    }
}

void child_process::kill() noexcept {
    if (handles_->child <= 0) return;
    ::kill(handles_->child, SIGKILL);
    ::waitpid(handles_->child, nullptr, 0);
    handles_->child = -1;
}

}  // namespace berth::test
