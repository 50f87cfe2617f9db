// See passed_descriptors.hpp.
#include "platform/passed_descriptors.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace berth::daemon {
namespace {

std::string take_variable(const char* name) {
    const char* const value = std::getenv(name);
    std::string taken = value == nullptr ? "" : value;
    ::unsetenv(name);
    return taken;
}

/// -1: not a number.
int number_of(const std::string& text) {
    int value = -1;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    return read.ec == std::errc() && read.ptr == text.data() + text.size() ? value : -1;
}

int option_of(int fd, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

}  // namespace

std::vector<passed_descriptor> take_passed_descriptors() {
    const auto process = take_variable("LISTEN_PID"), count = take_variable("LISTEN_FDS"),
               all_names = take_variable("LISTEN_FDNAMES");
    std::vector<passed_descriptor> passed;
    if (number_of(process) != ::getpid()) return passed;
    std::string_view names = all_names;
    for (int fd = 3; fd < 3 + number_of(count); ++fd) {
        if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) break;  // so many were not passed
        const auto name = names.substr(0, names.find(':'));
        names.remove_prefix(std::min(names.size(), name.size() + 1));
        passed.push_back({std::string(name), platform::descriptor(fd)});
    }
    return passed;
}

bool is_door(int fd, std::string& path) {
    sockaddr_un address{};
    socklen_t size = sizeof address;
    const bool is_ours = option_of(fd, SO_DOMAIN) == AF_UNIX && option_of(fd, SO_TYPE) == SOCK_SEQPACKET &&
                         option_of(fd, SO_ACCEPTCONN) == 1;
    if (!is_ours || ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
    const std::size_t length = size - offsetof(sockaddr_un, sun_path);
    path.assign(address.sun_path, ::strnlen(address.sun_path, length));
    return true;
}

}  // namespace berth::daemon
