// Unix sockets of messages (SOCK_SEQPACKET) with descriptors in them, as berthd, its keeper and their clients use
// them.
//
// Invariant: a message arrives whole, with all of its descriptors, or not at all; every descriptor received is
// close-on-exec and owned. Calls say 0 or an errno.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace berth::platform {

constexpr std::size_t most_descriptors = 253;  // of a message: the kernel's limit

/// Closes what it owns.
class descriptor {
public:
    descriptor() noexcept = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor();
    [[nodiscard]] int get() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

struct credentials {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;  // supplementary
};

/// Listens at `path`, in place of whatever socket is there. `group`: who may connect besides the owner; -1: nobody.
int listen_local(const std::string& path, gid_t group, descriptor& out) noexcept;
/// Connections that `listener` accepts receive no descriptors: who sends one is refused by the kernel, where it can
/// (Linux 6.16).
void refuse_descriptors(int listener) noexcept;
/// Nobody's at the other end of a connection among them is waited for, whatever SO_LINGER says.
void close_at_once(std::vector<descriptor>& received) noexcept;
/// Waits for as long as `patience` at each step, and so does every later send and receive.
int connect_local(const std::string& path, std::chrono::milliseconds patience, descriptor& out) noexcept;
/// Never waits: EAGAIN. `waits`: whether the connection's later calls may.
int accept_local(int listener, bool waits, descriptor& out) noexcept;
/// As the kernel saw the other side when it connected.
int credentials_of(int connection, credentials& out);

/// EAGAIN: there is no room, or the patience is over. EPIPE, ECONNRESET: the other side is gone.
int send_message(int connection, std::span<const std::byte> bytes, std::span<const int> descriptors = {},
                 bool waits = true) noexcept;
/// `size` 0 and no error: the other side is gone. EMSGSIZE: longer than `bytes`, or there was no room for the
/// descriptors; they are closed, and of the bytes `cut`, if wanted, says how many are there all the same.
int receive_message(int connection, std::span<std::byte> bytes, std::size_t& size, std::vector<descriptor>& received,
                    std::size_t* cut = nullptr);

}  // namespace berth::platform
