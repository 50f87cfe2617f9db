// See server_process.hpp.
#include "loopback/server_process.hpp"

#include "loopback/cores.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace berth::bench {
namespace {

namespace fs = std::filesystem;

constexpr int patience_ms = 5000;

[[noreturn]] void become_server(const std::vector<std::string>& words, int ready, int core, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != parent) ::_exit(0);  // it died before the line above
    stay_on(core);
    ::fcntl(ready, F_SETFD, 0);
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
}

}  // namespace

std::string executable_of(const contestant_entry& entry) {
    return (fs::read_symlink("/proc/self/exe").parent_path() / "contestants" / entry.executable).string();
}

server_process::server_process(const contestant_entry& entry, const scenario& s, int core) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    std::vector<std::string> words = {executable_of(entry),   "--scenario", std::string(s.asked_of_server), "--size",
                                      std::to_string(s.size), "--ready-fd", std::to_string(ends[1])};
    words.insert(words.end(), entry.arguments.begin(), entry.arguments.end());
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) become_server(words, ends[1], core, parent);
    ::close(ends[1]);
    proc_ = fmt::format("/proc/{}/", pid_);
    try {
        if (pid_ < 0) throw std::runtime_error("no process");
        port_ = wait_for_port(ends[0]);
    } catch (...) {
        ::close(ends[0]);
        end();
        throw;
    }
    ::close(ends[0]);
}

server_process::~server_process() { end(); }

void server_process::end() noexcept {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

std::uint16_t server_process::wait_for_port(int ready) const {
    std::string line;
    pollfd readable{ready, POLLIN, 0};
    while (line.find('\n') == std::string::npos) {
        char text[256];
        if (::poll(&readable, 1, patience_ms) <= 0) throw std::runtime_error("it did not start in time");
        const ssize_t size = ::read(ready, text, sizeof text);
        if (size <= 0) throw std::runtime_error("it ended before it served");
        line.append(text, static_cast<std::size_t>(size));
    }
    line.erase(line.find('\n'));
    std::uint16_t port = 0;
    constexpr std::string_view mark = "port ";
    if (!line.starts_with(mark)) throw std::runtime_error(line);
    std::from_chars(line.data() + mark.size(), line.data() + line.size(), port);
    if (port == 0) throw std::runtime_error("it has no port: " + line);
    return port;
}

void server_process::settle() const {
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

std::uint64_t server_process::anonymous_bytes() const {
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

}  // namespace berth::bench
