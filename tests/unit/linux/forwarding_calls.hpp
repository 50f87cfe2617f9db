// A sibling of the real system calls that passes every verb on: tests override the one that is to fail.
#pragma once

#include "platform/linux/system_calls.hpp"

#include <string>
#include <vector>

namespace berth_test {

class forwarding_calls : public berth::platform::system_calls {
public:
    int socket(int f, int t, int p) noexcept override { return real_.socket(f, t, p); }
    int close(int fd) noexcept override { return real_.close(fd); }
    int bind(int fd, const sockaddr* a, socklen_t n) noexcept override { return real_.bind(fd, a, n); }
    int listen(int fd, int backlog) noexcept override { return real_.listen(fd, backlog); }
    int connect(int fd, const sockaddr* a, socklen_t n) noexcept override { return real_.connect(fd, a, n); }
    int accept(int fd) noexcept override { return real_.accept(fd); }
    int setsockopt(int fd, int level, int name, const void* v, socklen_t n) noexcept override {
        return real_.setsockopt(fd, level, name, v, n);
    }
    int getsockopt(int fd, int level, int name, void* v, socklen_t* n) noexcept override {
        return real_.getsockopt(fd, level, name, v, n);
    }
    int getsockname(int fd, sockaddr* a, socklen_t* n) noexcept override { return real_.getsockname(fd, a, n); }
    ssize_t send(int fd, const void* d, std::size_t n, int flags) noexcept override {
        return real_.send(fd, d, n, flags);
    }
    ssize_t recv(int fd, void* d, std::size_t n, int flags) noexcept override { return real_.recv(fd, d, n, flags); }
    ssize_t recvmsg(int fd, msghdr* m, int flags) noexcept override { return real_.recvmsg(fd, m, flags); }
    int poll(pollfd* fds, unsigned n, int ms) noexcept override { return real_.poll(fds, n, ms); }
    int dup_above(int fd, int lowest) noexcept override { return real_.dup_above(fd, lowest); }
    int dup3(int from, int onto) noexcept override { return real_.dup3(from, onto); }
    int fcntl(int fd, int command, long argument) noexcept override { return real_.fcntl(fd, command, argument); }
    int fstat(int fd, struct stat& out) noexcept override { return real_.fstat(fd, out); }
    int bpf(int command, bpf_attr& a) noexcept override { return real_.bpf(command, a); }
    void* map_shared(int fd, std::size_t n) noexcept override { return real_.map_shared(fd, n); }
    int unmap(void* p, std::size_t n) noexcept override { return real_.unmap(p, n); }
    int descriptor_limit(std::uint64_t& s, std::uint64_t& h) noexcept override {
        return real_.descriptor_limit(s, h);
    }
    int read_file(const char* path, std::string& out) noexcept override { return real_.read_file(path, out); }
    int list_descriptors(std::span<const int> except, std::vector<int>& out) noexcept override {
        return real_.list_descriptors(except, out);
    }
    int count_descriptors(std::uint64_t& out) noexcept override { return real_.count_descriptors(out); }

protected:
    berth::platform::system_calls& real_ = berth::platform::linux_calls();
};

}  // namespace berth_test
