// See open_sockets.hpp.
#include "open_sockets.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <limits>

namespace berth::compat {

open_sockets& open_sockets::instance() {
    static auto* const only = new open_sockets;
    return *only;
}

void open_sockets::made(int fd, bool is_overlapped) {
    const std::lock_guard lock(mutex_);
    acquired_.erase(fd);
    ipv4_faces_.erase(fd);
    if (is_overlapped) {
        not_overlapped_.erase(fd);
    } else {
        not_overlapped_.insert(fd);
    }
}

bool open_sockets::is_overlapped(int fd) {
    const std::lock_guard lock(mutex_);
    return !not_overlapped_.contains(fd);
}

void open_sockets::has_ipv4_face(int fd, bool it_has) {
    const std::lock_guard lock(mutex_);
    ipv4_faces_.erase(fd);
    if (it_has) ipv4_faces_.insert(fd);
}

bool open_sockets::has_ipv4_face(int fd) {
    const std::lock_guard lock(mutex_);
    return ipv4_faces_.contains(fd);
}

bool open_sockets::is_acquiring(int fd) {
    const std::lock_guard lock(mutex_);
    return acquired_.contains(fd);
}

void open_sockets::acquired(int fd, reservation_token token) {
    const std::lock_guard lock(mutex_);
    acquired_.emplace(fd, token.value());
}

bool open_sockets::has_acquired(reservation_token token) {
    const std::lock_guard lock(mutex_);
    return std::any_of(acquired_.begin(), acquired_.end(), [&](const auto& a) { return a.second == token.value(); });
}

void open_sockets::released(reservation_token token) {
    const std::lock_guard lock(mutex_);
    std::erase_if(acquired_, [&](const auto& a) { return a.second == token.value(); });
}

std::vector<reservation_token> open_sockets::closed(int fd) {
    const std::lock_guard lock(mutex_);
    std::vector<reservation_token> tokens;
    const auto [begin, end] = acquired_.equal_range(fd);
    for (auto i = begin; i != end; ++i) tokens.emplace_back(i->second);
    acquired_.erase(fd);
    not_overlapped_.erase(fd);
    ipv4_faces_.erase(fd);
    return tokens;
}

int descriptor_of(std::uintptr_t socket) noexcept {
    if (socket > static_cast<std::uintptr_t>(std::numeric_limits<int>::max())) return -1;
    const int fd = static_cast<int>(socket);
    struct stat facts {};
    return ::fstat(fd, &facts) == 0 && S_ISSOCK(facts.st_mode) ? fd : -1;
}

}  // namespace berth::compat
