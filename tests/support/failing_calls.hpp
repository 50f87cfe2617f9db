// A sibling of the seam of system calls: passes everything on, and lets the n-th call fail.
//
// close and unmap never fail: they may say so, but the descriptor is gone all the same, so a program cannot do better
// than go on. `deceives_early_check`: it sees room for descriptors where there is none, the kernel does not.
#pragma once

#include "platform/linux/system_calls.hpp"

#include <cstdint>
#include <string>

namespace berth::test {

class failing_calls final : public platform::system_calls {
public:
    static constexpr std::uint32_t never = ~std::uint32_t{0};

    /// The n-th call from now on fails with `error` (an errno); 0 is the next one. `for_ever`: all after it as well.
    void fail(std::uint32_t n, int error, bool for_ever = false) {
        fail_at_ = n, error_ = error, for_ever_ = for_ever, made_ = 0, failed_.clear();
    }
    void fail_no_more() { fail_at_ = never; }
    /// The name of the verb that failed; empty: none did.
    [[nodiscard]] const std::string& failed() const noexcept { return failed_; }
    bool deceives_early_check = false;

    int socket(int family, int type, int protocol) noexcept override;
    int close(int fd) noexcept override { return real_.close(fd); }
    int bind(int fd, const sockaddr* address, socklen_t size) noexcept override;
    int listen(int fd, int backlog) noexcept override;
    int connect(int fd, const sockaddr* address, socklen_t size) noexcept override;
    int accept(int fd) noexcept override;
    int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept override;
    int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept override;
    int getsockname(int fd, sockaddr* address, socklen_t* size) noexcept override;
    ssize_t send(int fd, const void* data, std::size_t size, int flags) noexcept override;
    ssize_t recv(int fd, void* data, std::size_t size, int flags) noexcept override;
    ssize_t recvmsg(int fd, msghdr* message, int flags) noexcept override;
    int poll(pollfd* fds, unsigned count, int timeout_ms) noexcept override;
    int dup_above(int fd, int lowest) noexcept override;
    int dup3(int from, int onto) noexcept override;
    int fcntl(int fd, int command, long argument) noexcept override;
    int fstat(int fd, struct stat& out) noexcept override;
    int bpf(int command, bpf_attr& attributes) noexcept override;
    void* map_shared(int fd, std::size_t size) noexcept override;
    int unmap(void* address, std::size_t size) noexcept override { return real_.unmap(address, size); }
    int descriptor_limit(std::uint64_t& soft, std::uint64_t& hard) noexcept override;
    int read_file(const char* path, std::string& out) noexcept override;
    using system_calls::list_descriptors;
    int list_descriptors(std::span<const int> except, std::vector<int>& out) noexcept override;
    int count_descriptors(std::uint64_t& out) noexcept override;

private:
    int fails(const char* verb) noexcept;

    platform::system_calls& real_ = platform::linux_calls();
    std::uint32_t fail_at_ = never;
    std::uint32_t made_ = 0;
    int error_ = 0;
    bool for_ever_ = false;
    std::string failed_;
};

}  // namespace berth::test
