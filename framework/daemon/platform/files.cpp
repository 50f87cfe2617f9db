// Files with modes, made durable; see files.hpp.
#include "platform/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace berth::daemon {

int create_private_file(const std::string& path) noexcept {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return errno;
    ::close(fd);
    return 0;
}

int make_private_directory(const std::string& path) noexcept {
    return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST ? 0 : errno;
}

int make_durable(const std::string& path) noexcept {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    const int result = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    return result;
}

void close_descriptor(int fd) noexcept { ::close(fd); }

file_facts facts_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return {};
        return {file_kind::other, 0, errno};
    }
    if (!S_ISREG(status.st_mode)) return {file_kind::other, 0, 0};
    return {file_kind::regular, static_cast<std::uint64_t>(status.st_size), 0};
}

int rename_file(const std::string& from, const std::string& to) noexcept {
    return std::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

void remove_file(const std::string& path) noexcept { ::unlink(path.c_str()); }

std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        names.push_back(entry.path().filename().string());
    }
    return names;
}

std::string canonical_place(const std::string& path) {
    const std::filesystem::path place(path);
    return std::filesystem::weakly_canonical(place.parent_path()) / place.filename();
}

bool is_open_to_others(const std::string& path) noexcept {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0;
}

}  // namespace berth::daemon
