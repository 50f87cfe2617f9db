// A read of /proc/self/fd from position n + 2 on begins with the first open descriptor that is at least n: the kernel
// passes over the closed ones in its table. A descriptor that exists throughout the pass is found.
#include "platform/linux/open_descriptors.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <new>

namespace berth::platform {
namespace {

constexpr int gap = 16;  // closed numbers in a row before the directory is asked: about what the asking costs

class descriptor_directory {
public:
    descriptor_directory() noexcept {
        while ((fd_ = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 && errno == EINTR) {
        }
        error_ = fd_ < 0 ? -errno : 0;
    }
    ~descriptor_directory() {
        if (fd_ >= 0) ::close(fd_);
    }
    descriptor_directory(const descriptor_directory&) = delete;
    descriptor_directory& operator=(const descriptor_directory&) = delete;

    [[nodiscard]] int number() const noexcept { return fd_; }
    [[nodiscard]] int error() const noexcept { return error_; }

    /// The first open descriptor at or after this one; -1: there is none, or error().
    [[nodiscard]] int next(int from) noexcept {
        alignas(dirent64) char entries[64];  // each entry read costs, so room for two or three
        if (::lseek(fd_, from + 2, SEEK_SET) < 0) return fail();
        const long r = ::syscall(SYS_getdents64, fd_, entries, sizeof entries);
        if (r < 0) return fail();
        if (r == 0) return -1;
        const auto* const entry = reinterpret_cast<const dirent64*>(entries);
        int fd = -1;
        std::from_chars(entry->d_name, entry->d_name + std::strlen(entry->d_name), fd);
        return fd;
    }

private:
    int fail() noexcept {
        error_ = -errno;
        return -1;
    }
    int fd_ = -1;
    int error_ = 0;
};

}  // namespace

int list_open_descriptors(std::span<const int> except, std::vector<int>& out) noexcept {
    try {
        out.clear();
        descriptor_directory directory;
        auto skip = except.begin();
        int closed = 0;  // in a row
        for (int fd = 0; directory.error() == 0; ++fd) {
            if (closed == gap) {
                closed = 0;
                if ((fd = directory.next(fd)) < 0) break;
            }
            while (skip != except.end() && *skip < fd) ++skip;
            if (skip != except.end() && *skip == fd) {
                closed = 0;
                const auto run = skip;  // of numbers without a gap
                skip = std::partition_point(run, except.end(),
                                            [&](const int& theirs) { return theirs - fd == &theirs - &*run; });
                fd += static_cast<int>(skip - run) - 1;
            } else if (fd == directory.number()) {
                closed = 0;
            } else if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
                ++closed;
            } else {
                closed = 0;
                out.push_back(fd);
            }
        }
        return directory.error();
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
}

}  // namespace berth::platform
