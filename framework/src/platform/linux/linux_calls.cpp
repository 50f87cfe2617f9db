// The real system calls behind the seam: straight through, -errno for errors.
//
// These functions are on the fast path: each is one call and one comparison. Interrupted calls are made again, except
// close (the descriptor is gone by then) and connect (the attempt goes on by itself).
#include "platform/linux/open_descriptors.hpp"
#include "platform/linux/system_calls.hpp"

#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <new>

namespace berth::platform {
namespace {

template <class Result>
inline Result result_of(Result r) noexcept {
    return r >= 0 ? r : static_cast<Result>(-errno);
}

template <class Call>
inline auto uninterrupted(Call call) noexcept {
    auto r = call();
    while (r < 0 && errno == EINTR) r = call();
    return result_of(r);
}

class real_calls final : public system_calls {
public:
    int socket(int family, int type, int protocol) noexcept override {
        return result_of(::socket(family, type, protocol));
    }
    int close(int fd) noexcept override { return result_of(::close(fd)); }
    int bind(int fd, const sockaddr* address, socklen_t size) noexcept override {
        return result_of(::bind(fd, address, size));
    }
    int listen(int fd, int backlog) noexcept override { return result_of(::listen(fd, backlog)); }
    int connect(int fd, const sockaddr* address, socklen_t size) noexcept override {
        return result_of(::connect(fd, address, size));
    }
    int accept(int fd) noexcept override {
        return uninterrupted([&] { return ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); });
    }
    int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept override {
        return result_of(::setsockopt(fd, level, name, value, size));
    }
    int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept override {
        return result_of(::getsockopt(fd, level, name, value, size));
    }
    int getsockname(int fd, sockaddr* address, socklen_t* size) noexcept override {
        return result_of(::getsockname(fd, address, size));
    }
    ssize_t send(int fd, const void* data, std::size_t size, int flags) noexcept override {
        return uninterrupted([&] { return ::send(fd, data, size, flags); });
    }
    ssize_t recv(int fd, void* data, std::size_t size, int flags) noexcept override {
        return uninterrupted([&] { return ::recv(fd, data, size, flags); });
    }
    ssize_t recvmsg(int fd, msghdr* message, int flags) noexcept override {
        return uninterrupted([&] { return ::recvmsg(fd, message, flags); });
    }
    int poll(pollfd* fds, unsigned count, int timeout_ms) noexcept override {
        return uninterrupted([&] { return ::poll(fds, count, timeout_ms); });
    }
    int dup_above(int fd, int lowest) noexcept override { return result_of(::fcntl(fd, F_DUPFD_CLOEXEC, lowest)); }
    int dup3(int from, int onto) noexcept override {
        return uninterrupted([&] { return ::dup3(from, onto, O_CLOEXEC); });
    }
    int fcntl(int fd, int command, long argument) noexcept override {
        return result_of(::fcntl(fd, command, argument));
    }
    // Not ::fstat: asking about any number, also one that another thread closes, is what it is for, and the thread
    // sanitizer takes that for a race.
    int fstat(int fd, struct stat& out) noexcept override {
        return result_of(::fstatat(fd, "", &out, AT_EMPTY_PATH));
    }
    int bpf(int command, bpf_attr& attributes) noexcept override {
        return static_cast<int>(result_of(::syscall(SYS_bpf, command, &attributes, sizeof attributes)));
    }
    void* map_shared(int fd, std::size_t size) noexcept override {
        void* const p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        return p == MAP_FAILED ? nullptr : p;
    }
    int unmap(void* address, std::size_t size) noexcept override { return result_of(::munmap(address, size)); }
    int descriptor_limit(std::uint64_t& soft, std::uint64_t& hard) noexcept override {
        rlimit limit{};
        const int r = result_of(::getrlimit(RLIMIT_NOFILE, &limit));
        soft = limit.rlim_cur, hard = limit.rlim_max;
        return r;
    }
    int read_file(const char* path, std::string& out) noexcept override;
    int list_descriptors(std::span<const int> except, std::vector<int>& out) noexcept override {
        return list_open_descriptors(except, out);
    }
    int count_descriptors(std::uint64_t& out) noexcept override;
};

int real_calls::read_file(const char* path, std::string& out) noexcept {
    const int fd = uninterrupted([&] { return ::open(path, O_RDONLY | O_CLOEXEC); });
    if (fd < 0) return fd;
    ssize_t r = 0;
    try {
        out.clear();
        char piece[16384];
        while ((r = uninterrupted([&] { return ::read(fd, piece, sizeof piece); })) > 0) {
            out.append(piece, static_cast<std::size_t>(r));
        }
    } catch (const std::bad_alloc&) {
        r = -ENOMEM;
    }
    ::close(fd);
    return static_cast<int>(r);
}

int real_calls::count_descriptors(std::uint64_t& out) noexcept {
    struct stat directory {};
    if (::stat("/proc/self/fd", &directory) == 0 && directory.st_size > 0) {
        out = static_cast<std::uint64_t>(directory.st_size);
        return 0;
    }
    std::vector<int> open;
    const int r = list_open_descriptors({}, open);
    out = open.size();
    return r;
}

}  // namespace

system_calls& linux_calls() noexcept {
    static real_calls calls;
    return calls;
}

}  // namespace berth::platform
