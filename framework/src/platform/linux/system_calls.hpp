// The seam: every system call that the Linux provider makes goes through one of these verbs.
//
// Contract: a verb returns what the call returned, or -errno; errno itself is not used. noexcept, thread-safe, no
// state. Tests put a sibling in its place that fails, counts or records any call; `linux_calls()` is the real one.
// Nothing above platform/linux/ includes this header.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

struct pollfd;
struct stat;
union bpf_attr;

namespace berth::platform {

class system_calls {
public:
    virtual ~system_calls() = default;

    virtual int socket(int family, int type, int protocol) noexcept = 0;  // type carries SOCK_CLOEXEC | SOCK_NONBLOCK
    virtual int close(int fd) noexcept = 0;
    virtual int bind(int fd, const sockaddr* address, socklen_t size) noexcept = 0;
    virtual int listen(int fd, int backlog) noexcept = 0;
    virtual int connect(int fd, const sockaddr* address, socklen_t size) noexcept = 0;
    virtual int accept(int fd) noexcept = 0;  // accept4 with SOCK_CLOEXEC | SOCK_NONBLOCK, no address
    virtual int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept = 0;
    virtual int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept = 0;
    virtual int getsockname(int fd, sockaddr* address, socklen_t* size) noexcept = 0;
    virtual ssize_t send(int fd, const void* data, std::size_t size, int flags) noexcept = 0;
    virtual ssize_t recv(int fd, void* data, std::size_t size, int flags) noexcept = 0;
    virtual ssize_t recvmsg(int fd, msghdr* message, int flags) noexcept = 0;
    virtual int poll(pollfd* fds, unsigned count, int timeout_ms) noexcept = 0;
    virtual int dup_above(int fd, int lowest) noexcept = 0;  // F_DUPFD_CLOEXEC
    virtual int dup3(int from, int onto) noexcept = 0;       // with O_CLOEXEC
    virtual int fcntl(int fd, int command, long argument) noexcept = 0;
    virtual int fstat(int fd, struct stat& out) noexcept = 0;
    virtual int bpf(int command, bpf_attr& attributes) noexcept = 0;
    virtual void* map_shared(int fd, std::size_t size) noexcept = 0;  // read-write; nullptr on failure
    virtual int unmap(void* address, std::size_t size) noexcept = 0;
    virtual int descriptor_limit(std::uint64_t& soft, std::uint64_t& hard) noexcept = 0;  // RLIMIT_NOFILE
    virtual int read_file(const char* path, std::string& out) noexcept = 0;  // whole small file (/proc, sysctl)
    /// Open descriptors of this process that are not in `except` (both ascending), nor the call's own.
    virtual int list_descriptors(std::span<const int> except, std::vector<int>& out) noexcept = 0;
    int list_descriptors(std::vector<int>& out) noexcept { return list_descriptors({}, out); }
    virtual int count_descriptors(std::uint64_t& out) noexcept = 0;  // how many are open: without a walk from 6.2 on
};

/// The real calls. One object, for the program's life.
system_calls& linux_calls() noexcept;

}  // namespace berth::platform
