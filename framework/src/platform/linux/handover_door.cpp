// The door: a listening Unix socket, the one connection and its time limit, under one descriptor that can be waited
// on by any loop.
#include "platform/handover_line.hpp"

#include "platform/linux/handover_address.hpp"
#include "platform/linux/local_socket.hpp"
#include "platform/linux/os_failure.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

namespace berth::platform {
namespace {

int number(const handed_descriptor& d) noexcept { return static_cast<int>(d.get()); }

failure failed(const std::string& address, int error) {
    failure f{code_of(-error),
              "ports cannot be offered at " + address + ": " + std::generic_category().message(error), 0, 0};
    if (error == EMFILE) f.what += "; raise RLIMIT_NOFILE (ulimit -n, LimitNOFILE=) by at least 8";
    if (error == EINVAL) f.what += "; name a path, or '@' and a name";
    return f;
}

failure occupied(const std::string& address) {
    return {errc::already_bound, "another process offers its ports at " + address + ": take them over from it first",
            0, 0};
}

// In place of a socket whose process has ended; anything else that is there stays.
int clear_path(const std::string& path, const handover_address& at) noexcept {
    struct stat there {};
    if (::lstat(path.c_str(), &there) != 0) return 0;
    if (!S_ISSOCK(there.st_mode)) return EEXIST;
    const handed_descriptor probe(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (probe.get() < 0) return errno;
    if (::connect(number(probe), at.data(), at.size) == 0 || errno == EAGAIN) return EADDRINUSE;
    return errno == ECONNREFUSED && ::unlink(path.c_str()) != 0 ? errno : 0;
}

// Of two processes that begin at one path at once, one finds the other's socket only when that listens already.
class directory_lock {
public:
    directory_lock() = default;
    directory_lock(const directory_lock&) = delete;
    directory_lock& operator=(const directory_lock&) = delete;
    ~directory_lock() {
        if (fd_.get() >= 0) ::flock(number(fd_), LOCK_UN);  // also if a child has a copy
    }
    /// 0 or an errno; EWOULDBLOCK: somebody else has it, and that for a second.
    int take(const std::string& path) {
        const auto name = path.rfind('/');
        const std::string directory = name == std::string::npos ? "." : path.substr(0, name + 1);
        fd_ = handed_descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (fd_.get() < 0) return errno;
        for (int i = 0; i < 1000; ++i) {
            if (::flock(number(fd_), LOCK_EX | LOCK_NB) == 0) return 0;
            if (errno != EWOULDBLOCK && errno != EINTR) return errno;
            ::usleep(1000);
        }
        return EWOULDBLOCK;
    }

private:
    handed_descriptor fd_;
};

}  // namespace

std::unique_ptr<handover_door> handover_door::open(const std::string& address, failure& f) {
    f = {};
    handover_address at;
    int error = at.set(address);
    const bool is_path = error == 0 && address.front() != '@';
    directory_lock alone;
    if (is_path) error = alone.take(address);
    if (error == EWOULDBLOCK) {
        f = {errc::system_failure, "ports cannot be offered at " + address + ": another process locks its directory",
             0, 0};
        return nullptr;
    }
    if (is_path && error == 0) error = clear_path(address, at);
    handed_descriptor fd(error != 0 ? -1 : ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (error == 0 && fd.get() < 0) error = errno;
    if (error == 0 && ::bind(number(fd), at.data(), at.size) != 0) error = errno;
    const bool is_bound = error == 0;
    // Nobody can connect before listen(), so the mode is right before it matters.
    if (error == 0 && is_path && ::chmod(address.c_str(), 0600) != 0) error = errno;
    if (error == 0 && ::listen(number(fd), 16) != 0) error = errno;
    if (error != 0) f = error == EADDRINUSE ? occupied(address) : failed(address, error);
    auto door = error == 0 ? take(fd, address, f) : nullptr;
    if (!door && is_bound && is_path) ::unlink(address.c_str());
    return door;
}

std::unique_ptr<handover_door> handover_door::take(handed_descriptor& listener, const std::string& address,
                                                   failure& f) {
    f = {};
    std::unique_ptr<handover_door> door(new handover_door);
    struct stat there {};
    if (address.front() != '@' && ::lstat(address.c_str(), &there) != 0 && errno == ENOENT) {
        door = open(address, f);  // who listened last took the name away: nobody finds the old socket any more
        if (door) handed_descriptor(std::move(listener));
        return door;
    }
    door->address_ = address;
    door->place_ = {there.st_dev, there.st_ino};
    door->listener_ = std::move(listener);
    if (door->set_up(f)) return door;
    listener = std::move(door->listener_);
    return nullptr;
}

bool handover_door::set_up(failure& f) {
    // Whoever connects is told who listened last.
    const bool listens = ::listen(number(listener_), 16) == 0;
    waits_on_ = handed_descriptor(listens ? ::epoll_create1(EPOLL_CLOEXEC) : -1);
    if (waits_on_.get() >= 0)
        timer_ = handed_descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (timer_.get() < 0 || !watch(timer_.get(), true) || !watch(listener_.get(), true)) {
        f = failed(address_, errno);
        return false;
    }
#ifdef SYS_pidfd_open
    process_ = handed_descriptor(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
#endif
    return true;
}

// Whoever still offers here takes the name away with it, if it is its own still.
handover_door::~handover_door() {
    struct stat there {};
    if (listener_.get() < 0 || address_.front() == '@' || ::lstat(address_.c_str(), &there) != 0) return;
    if (place_ == std::pair<std::uint64_t, std::uint64_t>(there.st_dev, there.st_ino)) ::unlink(address_.c_str());
}

bool handover_door::watch(native_socket fd, bool on) noexcept {
    epoll_event readable{};
    readable.events = EPOLLIN;
    return ::epoll_ctl(number(waits_on_), on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, static_cast<int>(fd), &readable) == 0;
}

void handover_door::patience(std::chrono::milliseconds time) noexcept {
    patience_ = time;
    itimerspec at{};
    at.it_value.tv_sec = time.count() / 1000;
    at.it_value.tv_nsec = time.count() % 1000 * 1'000'000;
    ::timerfd_settime(number(timer_), 0, &at, nullptr);
}

handover_door::event handover_door::let_in(failure& f) {
    descriptor fd;
    const int error = accept_local(number(listener_), false, fd);
    if (error == EAGAIN || error == ECONNABORTED || error == EINTR) return event::none;
    if (error != 0) {
        f = failed(address_, error);
        return event::failed;
    }
    credentials who;
    const int unknown = credentials_of(fd.get(), who);
    line_ = std::make_shared<handover_line>(handed_descriptor(fd.release()));
    watch(listener_.get(), false);
    watch(line_->descriptor(), true);
    return unknown == 0 && who.uid == ::geteuid() ? event::none : event::stranger;
}

handover_door::event handover_door::next(handover_message& out, failure& f) {
    if (!line_) {
        if (const event e = let_in(f); e != event::none || !line_) return e;
        patience(std::chrono::seconds(5));
    }
    switch (line_->receive(out, {})) {
        case line_state::fine:
            patience(patience_);
            return event::message;
        case line_state::late: {
            std::uint64_t times = 0;
            return ::read(number(timer_), &times, sizeof times) == sizeof times ? event::late : event::none;
        }
        default:  // an end, or no memory, no room, an empty message: only an end is one
            return line_->is_closed() ? event::gone : event::unclear;
    }
}

line_state handover_door::answer(std::span<const std::byte> bytes,
                                 std::span<const native_socket> descriptors) noexcept {
    return line_ ? line_->send(bytes, descriptors, {}) : line_state::gone;
}

void handover_door::hang_up() noexcept {
    patience({});
    if (!line_) return;
    watch(line_->descriptor(), false);
    line_.reset();
    watch(listener_.get(), true);
}

void handover_door::close_behind() noexcept {
    patience({});
    // Its end tells the successor that this process, and every child with copies of the sockets, has ended.
    static std::mutex gate;
    alignas(std::shared_ptr<handover_line>) static std::byte room[sizeof(std::shared_ptr<handover_line>)];
    static auto& for_life = *::new (room) std::shared_ptr<handover_line>;  // never destroyed
    if (line_) {
        watch(line_->descriptor(), false);
        const std::lock_guard lock(gate);
        line_->kept_before_ = std::move(for_life);
        for_life = std::move(line_);
    }
    listener_ = {};
}

}  // namespace berth::platform
