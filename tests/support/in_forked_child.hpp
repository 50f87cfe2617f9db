// What a forked child finds out, as a sentence for its parent.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>

namespace berth::test {

/// Forks, lets the child look, and waits for it. Its sentence; empty: all as it should be. What it throws, and how it
/// died, is told too.
inline std::string in_forked_child(const std::function<std::string()>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        std::string said;
        try {
            said = body();
        } catch (const std::exception& e) {
            said = std::string("threw: ") + e.what();
        }
        const auto n = ::write(ends[1], said.data(), said.size());
        std::_Exit(n == static_cast<ssize_t>(said.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    std::string said;
    char piece[512];
    for (ssize_t n; (n = ::read(ends[0], piece, sizeof piece)) > 0;) said.append(piece, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) said += " (the child died: " + std::to_string(status) + ")";
    return said;
}

}  // namespace berth::test
