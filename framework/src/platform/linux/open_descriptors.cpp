// The size of the descriptor table bounds every open number from above: FDSize in /proc/self/status. It only grows,
// so a descriptor that exists throughout the pass is found. The number of open ones is the size of the directory
// /proc/self/fd since Linux 6.2, 0 before.
#include "platform/linux/open_descriptors.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <new>
#include <string_view>

namespace berth::platform {
namespace {

constexpr int worth_asking = 8;  // numbers asked for each open descriptor, at most

int open_for_reading(const char* path, int flags) noexcept {
    int fd = -1;
    while ((fd = ::open(path, flags | O_RDONLY | O_CLOEXEC)) < 0 && errno == EINTR) {
    }
    return fd;
}

int table_size() noexcept {  // 0: unknown
    const int fd = open_for_reading("/proc/self/status", 0);
    if (fd < 0) return 0;
    char text[4096];
    const ssize_t got = ::read(fd, text, sizeof text);
    ::close(fd);
    if (got <= 0) return 0;
    const std::string_view status(text, static_cast<std::size_t>(got));
    constexpr std::string_view label = "\nFDSize:\t";
    const auto at = status.find(label);
    int size = 0;
    if (at != status.npos) std::from_chars(text + at + label.size(), text + got, size);
    return size;
}

void ask_each_number(int below, std::span<const int> except, std::vector<int>& out) {
    auto skip = except.begin();
    for (int fd = 0; fd < below; ++fd) {
        while (skip != except.end() && *skip < fd) ++skip;
        if (skip != except.end() && *skip == fd) continue;
        if (::fcntl(fd, F_GETFD) >= 0) out.push_back(fd);
    }
}

// getdents64 and not readdir: 64 KiB a call.
int read_directory(std::span<const int> except, std::vector<int>& out) {
    const int directory = open_for_reading("/proc/self/fd", O_DIRECTORY);
    if (directory < 0) return -errno;
    alignas(dirent64) static thread_local char entries[65536];
    long r = 0;
    while ((r = ::syscall(SYS_getdents64, directory, entries, sizeof entries)) > 0) {
        for (long at = 0; at < r;) {
            const auto* const entry = reinterpret_cast<const dirent64*>(entries + at);
            at += entry->d_reclen;
            int fd = -1;
            std::from_chars(entry->d_name, entry->d_name + std::strlen(entry->d_name), fd);
            if (fd >= 0 && fd != directory && !std::binary_search(except.begin(), except.end(), fd)) {
                out.push_back(fd);
            }
        }
    }
    const int error = r < 0 ? -errno : 0;
    ::close(directory);
    std::sort(out.begin(), out.end());
    return error;
}

}  // namespace

int list_open_descriptors(std::span<const int> except, std::vector<int>& out) noexcept {
    try {
        out.clear();
        struct stat directory {};
        const int size = table_size();
        if (size > 0 && ::stat("/proc/self/fd", &directory) == 0 && size / worth_asking <= directory.st_size) {
            ask_each_number(size, except, out);
            return 0;
        }
        return read_directory(except, out);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
}

}  // namespace berth::platform
