// fstat for every descriptor that is not ours; the text of /proc/self/fdinfo for the few that are queues or rings.
#include "platform/linux/descriptor_scan.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <new>
#include <string_view>
#include <utility>

namespace berth::platform {
namespace {

using inode_index = std::pair<std::uint64_t, std::size_t>;

class name_finder {
public:
    name_finder(std::span<const std::uint64_t> inodes, std::vector<named_by>& names) : names_(names) {
        sorted_.reserve(inodes.size());
        for (std::size_t i = 0; i < inodes.size(); ++i) sorted_.emplace_back(inodes[i], i);
        std::sort(sorted_.begin(), sorted_.end());
    }

    void found(std::uint64_t inode, named_by by) {
        auto at = std::lower_bound(sorted_.begin(), sorted_.end(), inode_index{inode, 0});
        for (; at != sorted_.end() && at->first == inode; ++at) {
            names_[at->second] = std::max(names_[at->second], by);
        }
    }

    // "tfd: 7 events: 19 data: 7  pos:0 ino:1a2b sdev:8": the inode of an epoll registration, in hexadecimal.
    // "    3: socket:[1234]": a fixed file of an io_uring ring.
    void read_queue(std::string_view text) {
        find_all(text, " ino:", 16, named_by::event_queue);
        find_all(text, "socket:[", 10, named_by::descriptor);
    }

private:
    void find_all(std::string_view text, std::string_view label, int base, named_by by) {
        for (auto at = text.find(label); at != std::string_view::npos; at = text.find(label, at)) {
            at += label.size();
            std::uint64_t inode = 0;
            if (std::from_chars(text.data() + at, text.data() + text.size(), inode, base).ec == std::errc{}) {
                found(inode, by);
            }
        }
    }

    std::vector<inode_index> sorted_;
    std::vector<named_by>& names_;
};

int scan(system_calls& calls, std::span<const int> own, name_finder& finder) {
    std::vector<int> descriptors;
    if (const int r = calls.list_descriptors(own, descriptors); r < 0) return r;
    std::string text;
    for (const int fd : descriptors) {
        struct stat status {};
        const int seen = calls.fstat(fd, status);
        if (seen == -EBADF) continue;  // closed meanwhile
        if (seen < 0) return seen;
        if (S_ISSOCK(status.st_mode)) {
            finder.found(status.st_ino, named_by::descriptor);
        } else if ((status.st_mode & S_IFMT) == 0) {  // an anonymous inode: epoll, io_uring, timers ...
            char path[48];
            std::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
            const int r = calls.read_file(path, text);
            if (r == -ENOENT) continue;
            if (r < 0) return r;
            finder.read_queue(text);
        }
    }
    return 0;
}

}  // namespace

int scan_descriptors(system_calls& calls, std::span<const int> own, std::span<const std::uint64_t> inodes,
                     std::vector<named_by>& names) {
    names.assign(inodes.size(), named_by::nobody);
    name_finder finder(inodes, names);
    const int r = scan(calls, own, finder);
    if (r < 0) names.assign(inodes.size(), named_by::descriptor);  // unknown counts as named
    return r;
}

}  // namespace berth::platform
