// See operations.hpp.
#include "operations.hpp"

#include "error_codes.hpp"
#include "ipv4_face.hpp"
#include "open_sockets.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <system_error>
#include <thread>

namespace berth::compat {
namespace {

/// What the documents leave open: whether TCP ports are to listen or to connect. False: the variable says neither.
bool tcp_use_of_environment(tcp_use& use) noexcept {
    const char* const said = std::getenv("BERTH_COMPAT_TCP_USE");
    const std::string_view word = said == nullptr ? "listen" : said;
    use = word == "connect" ? tcp_use::connect : tcp_use::listen;
    return word == "connect" || word == "listen";
}

/// Another descriptor of the socket, so that the number may be closed meanwhile.
class second_descriptor {
public:
    explicit second_descriptor(int fd, bool is_theirs = false) noexcept
        : fd_(is_theirs ? fd : ::fcntl(fd, F_DUPFD_CLOEXEC, 0)) {}
    second_descriptor(const second_descriptor&) = delete;
    second_descriptor& operator=(const second_descriptor&) = delete;
    ~second_descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

void call(std::atomic<void (*)()>& hook) {
    if (auto* const there = hook.load()) there();
}

}  // namespace

std::atomic<void (*)()> operations::before_acting{nullptr};
std::atomic<void (*)()> operations::after_acting{nullptr};

operations& operations::instance() {
    static auto* const only = new operations;
    return *only;
}

// Without the monitor: it may take long.
int operations::act(operation& op, DWORD& bytes) {
    failure f;
    bytes = 0;
    if (op.code == SIO_FLUSH) return 0;
    bytes = sizeof(INET_PORT_RESERVATION_TOKEN);  // of the two that return nothing: not zero, as the documents ask
    if (op.code == SIO_ASSOCIATE_PORT_RESERVATION) {
        const second_descriptor socket(op.fd);
        if (socket.get() < 0) f.code = errc::too_many_files;
        let_go_of_number(op);
        if (!f) associate(socket.get(), op.token, f.code);
        if (f.code == errc::family_mismatch) associate_dual_stack(op, f);
    } else if (op.code == SIO_RELEASE_PORT_RESERVATION) {
        // What was not acquired here is not released here: a persistent token, a token of another interface.
        if (!open_sockets::instance().has_acquired(op.token)) return WSAEINVAL;
        release(op.fd, op.token, f);
        if (!f) open_sockets::instance().released(op.token);
    } else {
        tcp_use use{};
        if (!tcp_use_of_environment(use)) return WSAEINVAL;
        const auto got = reserve_on(op.fd, op.block, f, use);
        op.block = got.block;
        op.token = got.token;
        bytes = sizeof(INET_PORT_RESERVATION_INSTANCE);
    }
    return winsock_code(f.code);
}

// The program's IPv4 socket gives way to a dual-stack one, unless a block ends with it, or it is being closed.
void operations::associate_dual_stack(operation& op, failure& f) {
    const second_descriptor dual(dual_stack_like(op.fd), true);
    if (dual.get() < 0 || open_sockets::instance().is_acquiring(op.fd)) return;
    error_code ec;
    associate(dual.get(), op.token, ec);
    if (ec) return;
    const std::lock_guard lock(monitor::instance().mutex);
    if (op.aborted || op.now == operation::stage::ended) return;
    const int flags = (::fcntl(op.fd, F_GETFD) & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0;
    if (::dup3(dual.get(), op.fd, flags) < 0) return;
    open_sockets::instance().has_ipv4_face(op.fd, true);
    f = {};
}

void operations::let_go_of_number(operation& op) {
    const std::lock_guard lock(monitor::instance().mutex);
    op.holds_number = false;
    monitor::instance().changed.notify_all();
}

int operations::run(const std::shared_ptr<operation>& op, DWORD& bytes) {
    auto& all = monitor::instance();
    if (op->code != SIO_FLUSH) call(before_acting);
    std::unique_lock lock(all.mutex);
    if (op->now == operation::stage::ended) return WSA_OPERATION_ABORTED;
    op->now = operation::stage::acting;
    lock.unlock();
    int error = WSA_NOT_ENOUGH_MEMORY;
    try {
        error = act(*op, bytes);
    } catch (const std::bad_alloc&) {  // told as any other end: a close waits for it
    }
    if (op->code != SIO_FLUSH) call(after_acting);
    lock.lock();
    if (op->aborted) {
        if (error == 0 && op->code == SIO_ACQUIRE_PORT_RESERVATION) {
            lock.unlock();
            failure ignored;
            release(op->fd, op->token, ignored);
            lock.lock();
        }
        error = WSA_OPERATION_ABORTED;
    }
    if (error != 0) bytes = 0;
    if (op->now != operation::stage::ended) end(*op, error, bytes);
    under_way_.remove(op);
    all.changed.notify_all();
    return error;
}

int operations::perform(const std::shared_ptr<operation>& op, DWORD& bytes) {
    {
        const std::lock_guard lock(monitor::instance().mutex);
        op->is_at_once = true;
        under_way_.push_back(op);
    }
    return run(op, bytes);
}

int operations::start(const std::shared_ptr<operation>& op) {
    auto& all = monitor::instance();
    {
        const std::lock_guard lock(all.mutex);
        under_way_.push_back(op);
        std::atomic_ref(op->overlapped->Internal).store(STATUS_PENDING);
        op->overlapped->InternalHigh = 0;
    }
    sigset_t every;
    sigset_t before;
    ::sigfillset(&every);
    ::pthread_sigmask(SIG_SETMASK, &every, &before);  // the program's signals are not for this thread
    int answer = WSA_IO_PENDING;
    try {
        std::thread([this, op] {
            DWORD bytes = 0;
            run(op, bytes);
        }).detach();
    } catch (const std::system_error&) {
        answer = WSAENOBUFS;
    } catch (const std::bad_alloc&) {
        answer = WSA_NOT_ENOUGH_MEMORY;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (answer != WSA_IO_PENDING) {
        const std::lock_guard lock(all.mutex);
        under_way_.remove(op);
        std::atomic_ref(op->overlapped->Internal).store(status_of(answer));
    }
    return answer;
}

// The monitor is held.
void operations::end(operation& op, int error, DWORD bytes) noexcept {
    op.now = operation::stage::ended;
    if (error == 0 && op.code == SIO_ACQUIRE_PORT_RESERVATION) {
        open_sockets::instance().acquired(op.fd, op.token);
        INET_PORT_RESERVATION_INSTANCE answer{};
        answer.Reservation.StartPort = htons(op.block.first);
        answer.Reservation.NumberOfPorts = static_cast<USHORT>(op.block.count);
        answer.Token.Token = op.token.value();
        std::memcpy(op.out, &answer, sizeof answer);
    }
    if (op.overlapped == nullptr) return;
    const HANDLE event = op.overlapped->hEvent;
    op.overlapped->InternalHigh = bytes;
    std::atomic_ref(op.overlapped->Internal).store(status_of(error));
    monitor::instance().changed.notify_all();
    if (op.is_at_once && error != 0) return;  // the call itself says so, and nothing else does
    if (op.routine == nullptr) {
        if (event != nullptr) set_event(event);
    } else {
        op.thread->due.push_back({op.routine, static_cast<DWORD>(error), bytes, op.overlapped});
    }
}

bool operations::abort_if(int fd, LPWSAOVERLAPPED overlapped, const callback_queue* thread, bool closing) {
    const std::lock_guard lock(monitor::instance().mutex);
    bool found = false;
    std::erase_if(under_way_, [&](const std::shared_ptr<operation>& op) {
        if ((fd >= 0 && op->fd != fd) || (overlapped != nullptr && op->overlapped != overlapped)) return false;
        if ((thread != nullptr && op->thread.get() != thread) || (op->overlapped == nullptr && !closing))
            return false;
        found = true;
        if (op->now == operation::stage::acting) {
            op->aborted = op->aborted || closing || op->code == SIO_ACQUIRE_PORT_RESERVATION;
            return false;
        }
        end(*op, WSA_OPERATION_ABORTED, 0);
        return true;
    });
    return found;
}

void operations::about_to_close(int fd) {
    abort_if(fd, nullptr, nullptr, true);
    auto& all = monitor::instance();
    std::unique_lock lock(all.mutex);
    all.changed.wait(lock, [&] {
        return std::none_of(under_way_.begin(), under_way_.end(),
                            [&](const auto& op) { return op->fd == fd && op->holds_number; });
    });
}

}  // namespace berth::compat
