// See server_process.hpp.
#include "loopback/server_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <stdexcept>
#include <utility>
#include <vector>

namespace berth::bench {
namespace {

namespace fs = std::filesystem;

constexpr int patience_ms = 5000;

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
    try {
        process_.emplace(words, core, ends[1]);
        ::close(std::exchange(ends[1], -1));
        port_ = wait_for_port(ends[0]);
    } catch (...) {
        for (const int end : ends)
            if (end >= 0) ::close(end);
        throw;
    }
    ::close(ends[0]);
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

}  // namespace berth::bench
