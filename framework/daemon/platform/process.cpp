// Locks, signals, limits, names; see process.hpp.
#include "platform/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace berth::daemon {

// A record lock: the kernel knows whose it is, and says so.
int process_lock::take(const std::string& path, int& holder) {
    holder = 0;
    file_ = platform::descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file_) return errno;
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(file_.get(), F_SETLK, &whole) == 0) return 0;
    const int error = errno;
    if (error != EACCES && error != EAGAIN) return error;
    if (::fcntl(file_.get(), F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK) holder = whole.l_pid;
    return EAGAIN;
}

stop_signals::stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGCHLD, SIG_IGN);  // the keeper is a child, and nobody's to wait for
    signals_ = platform::descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::optional<boot_id> current_boot() {
    std::string text, digits;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), text);
    for (const char c : text) {
        if (c != '-') digits += c;
    }
    if (digits.size() != 32) return std::nullopt;
    boot_id out;
    const char* const middle = digits.data() + 16;
    const auto high = std::from_chars(digits.data(), middle, out.high, 16);
    const auto low = std::from_chars(middle, middle + 16, out.low, 16);
    if (high.ptr != middle || low.ptr != middle + 16) return std::nullopt;
    return out;
}

void notify_service_manager(const std::string& state) noexcept {
    const char* const path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t size = path == nullptr ? 0 : std::strlen(path);
    if (size < 2 || size >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, path, size);
    if (path[0] == '@') address.sun_path[0] = '\0';
    const platform::descriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto whole = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
    ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), whole);
}

std::optional<unsigned> find_group(const std::string& name) {
    if (const auto* const entry = ::getgrnam(name.c_str()); entry != nullptr) return entry->gr_gid;
    unsigned number = 0;
    const char* const end = name.data() + name.size();
    const auto read = std::from_chars(name.data(), end, number);
    return read.ec == std::errc() && read.ptr == end ? std::optional(number) : std::nullopt;
}

std::uint64_t raise_descriptor_limit() noexcept {
    rlimit limit{1 << 20, 1 << 20};
    if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return limit.rlim_cur;
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

std::string own_directory() {
    std::error_code ignored;
    return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path().string();
}

int own_process() noexcept { return ::getpid(); }

bool may_execute(const std::string& program) noexcept { return ::access(program.c_str(), X_OK) == 0; }

int who_answers_at(const std::string& socket_path) {
    platform::descriptor connection;
    platform::credentials listening;
    if (platform::connect_local(socket_path, std::chrono::milliseconds{1000}, connection) != 0) return 0;
    return platform::credentials_of(connection.get(), listening) == 0 ? listening.pid : 0;
}

}  // namespace berth::daemon
