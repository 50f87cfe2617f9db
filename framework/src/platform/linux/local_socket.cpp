// Messages over Unix sockets; see local_socket.hpp. No part of the library is used here: the keeper has this file
// alone.
#include "platform/linux/local_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace berth::platform {
namespace {

int make_address(const std::string& path, sockaddr_un& address) noexcept {
    if (path.empty()) return EINVAL;
    if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return 0;
}

const sockaddr* generic(const sockaddr_un& address) noexcept { return reinterpret_cast<const sockaddr*>(&address); }

// Nobody can connect before listen(), so the mode is right before it matters.
int let_in(const std::string& path, gid_t group) noexcept {
    const bool grouped = group != static_cast<gid_t>(-1);
    if (grouped && ::chown(path.c_str(), static_cast<uid_t>(-1), group) != 0) return errno;
    return ::chmod(path.c_str(), grouped ? 0660 : 0600) == 0 ? 0 : errno;
}

}  // namespace

descriptor::~descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

int listen_local(const std::string& path, gid_t group, descriptor& out) noexcept {
    sockaddr_un address{};
    if (const int error = make_address(path, address); error != 0) return error;
    struct stat there {};
    if (::lstat(path.c_str(), &there) == 0 && !S_ISSOCK(there.st_mode)) return EEXIST;
    descriptor fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return errno;
    ::unlink(path.c_str());
    if (::bind(fd.get(), generic(address), sizeof address) != 0) return errno;
    if (const int error = let_in(path, group); error != 0) return error;
    if (::listen(fd.get(), 64) != 0) return errno;
    out = std::move(fd);
    return 0;
}

void refuse_descriptors(int listener) noexcept {
    constexpr int so_passrights = 83;
    const int off = 0;
    ::setsockopt(listener, SOL_SOCKET, so_passrights, &off, sizeof off);
}

void close_at_once(std::vector<descriptor>& received) noexcept {
    constexpr linger at_once{1, 0};
    for (const auto& r : received) ::setsockopt(r.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    received.clear();
}

int connect_local(const std::string& path, std::chrono::milliseconds patience, descriptor& out) noexcept {
    sockaddr_un address{};
    if (const int error = make_address(path, address); error != 0) return error;
    descriptor fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!fd) return errno;
    const timeval limit{patience.count() / 1000, static_cast<suseconds_t>(patience.count() % 1000 * 1000)};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(fd.get(), generic(address), sizeof address) != 0) return errno;
    out = std::move(fd);
    return 0;
}

int accept_local(int listener, bool waits, descriptor& out) noexcept {
    descriptor fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK)));
    if (!fd) return errno;
    out = std::move(fd);
    return 0;
}

int credentials_of(int connection, credentials& out) {
    ucred kernels{};
    socklen_t size = sizeof kernels;
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &kernels, &size) != 0) return errno;
    out = {kernels.pid, kernels.uid, kernels.gid, {}};
    constexpr int so_peergroups = 59;
    size = 0;
    if (::getsockopt(connection, SOL_SOCKET, so_peergroups, nullptr, &size) == 0) return 0;
    if (errno != ERANGE) return errno;
    out.groups.resize(size / sizeof(gid_t));
    return ::getsockopt(connection, SOL_SOCKET, so_peergroups, out.groups.data(), &size) == 0 ? 0 : errno;
}

int send_message(int connection, std::span<const std::byte> bytes, std::span<const int> descriptors,
                 bool waits) noexcept {
    if (descriptors.size() > most_descriptors) return EINVAL;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * most_descriptors)];
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        std::memset(control, 0, message.msg_controllen);
        auto* const head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
    }
    for (;;) {
        if (::sendmsg(connection, &message, MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT)) >= 0) return 0;
        if (errno != EINTR) return errno;
    }
}

int receive_message(int connection, std::span<std::byte> bytes, std::size_t& size, std::vector<descriptor>& received,
                    std::size_t* cut) {
    size = 0;
    received.clear();
    received.reserve(most_descriptors);  // what came has an owner at once
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * most_descriptors)];
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t n = 0;
    while ((n = ::recvmsg(connection, &message, MSG_CMSG_CLOEXEC)) < 0) {
        if (errno != EINTR) return errno;
    }
    for (auto* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        for (std::size_t at = 0; at + sizeof(int) <= head->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(head) + at, sizeof fd);
            received.emplace_back(fd);
        }
    }
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        close_at_once(received);
        if (cut != nullptr) *cut = static_cast<std::size_t>(n);
        return EMSGSIZE;
    }
    size = static_cast<std::size_t>(n);
    return 0;
}

}  // namespace berth::platform
