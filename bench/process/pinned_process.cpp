// See pinned_process.hpp.
#include "process/pinned_process.hpp"

#include "process/cores.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace berth::bench {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void become(const std::vector<std::string>& words, int core, int inherited, words_of_child spoken,
                         pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != parent) ::_exit(0);  // it died before the line above
    if (core >= 0) stay_on(core);
    if (inherited >= 0) ::fcntl(inherited, F_SETFD, 0);
    if (spoken != words_of_child::shown) {
        const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        ::dup2(nowhere, STDIN_FILENO);
        ::dup2(nowhere, STDOUT_FILENO);
        if (spoken == words_of_child::dropped) ::dup2(nowhere, STDERR_FILENO);
    }
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
}

}  // namespace

pinned_process::pinned_process(const std::vector<std::string>& words, int core, int inherited,
                               words_of_child spoken) {
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) become(words, core, inherited, spoken, parent);
    if (pid_ < 0) throw std::runtime_error("no process for " + words.front());
    proc_ = "/proc/" + std::to_string(pid_) + "/";
}

void pinned_process::end() noexcept {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

bool pinned_process::is_running() noexcept {
    if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    return pid_ > 0;
}

void pinned_process::settle() const {
    for (int round = 0; round < 20; ++round) {
        ::usleep(200);
        bool asleep = true;
        std::error_code gone;
        for (const auto& thread : fs::directory_iterator(proc_ + "task", gone)) {
            std::string line;
            std::getline(std::ifstream(thread.path() / "stat"), line);
            const auto name_end = line.rfind(')');
            if (name_end != std::string::npos && line.size() > name_end + 2 && line[name_end + 2] == 'R')
                asleep = false;
        }
        if (asleep) return;
    }
}

std::uint64_t pinned_process::anonymous_bytes() const {
    std::ifstream file(proc_ + "smaps_rollup");
    std::string word;
    while (file >> word)
        if (word == "Anonymous:") {
            std::uint64_t kib = 0;
            file >> kib;
            return kib * 1024;
        }
    throw std::runtime_error("the kernel does not say how much memory it uses");
}

std::size_t pinned_process::descriptors() const {
    std::error_code gone;
    fs::directory_iterator all(proc_ + "fd", gone);
    return gone ? 0 : static_cast<std::size_t>(std::distance(fs::begin(all), fs::end(all)));
}

}  // namespace berth::bench
