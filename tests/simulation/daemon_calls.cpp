// The system calls that the daemon's code makes, answered by the machine; what is none of the machine's goes to the
// kernel. The linker puts these in the place of the library's calls (--wrap), so that the code under test is as it is.
#include "simulation/daemon_machine.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <algorithm>
#include <utility>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <ctime>

// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
int __real_close(int);
int __real_poll(pollfd*, nfds_t, int);
int __real_accept4(int, sockaddr*, socklen_t*, int);
ssize_t __real_sendmsg(int, const msghdr*, int);
ssize_t __real_recvmsg(int, msghdr*, int);
int __real_getsockopt(int, int, int, void*, socklen_t*);
int __real_setsockopt(int, int, int, const void*, socklen_t);
int __real_fcntl(int, int, ...);
int __real_memfd_create(const char*, unsigned);
int __real_ftruncate(int, off_t);
void* __real_mmap(void*, std::size_t, int, int, int, off_t);
int __real_munmap(void*, std::size_t);
int __real_fstat(int, struct stat*);
std::time_t __real_time(std::time_t*);
}

namespace {

using namespace berth::simulation;

machine* mine(int fd) { return fd >= machine::first_descriptor ? machine::here() : nullptr; }

int refuse(int error) {
    errno = error;
    return -1;
}

template <class Thing>
std::shared_ptr<Thing> known(machine& m, int fd, const char* call) {
    auto found = m.at_as<Thing>(fd);
    if (!found && !m.running->is_dead) m.complain(std::string("descriptors: ") + call + " of what is none");
    return found;
}

/// What a call may fail with is not always the same.
int one_of(machine& m, std::initializer_list<int> errors) { return errors.begin()[m.random() % errors.size()]; }

bool is_daemon(const machine& m) { return m.running != nullptr && m.running->name == "berthd"; }

}  // namespace

extern "C" {

int __wrap_close(int fd) {
    auto* const m = mine(fd);
    if (m == nullptr) return __real_close(fd);
    const daemon_call call(*m);
    if (call.is_dead()) return 0;
    return m->close(fd) ? 0 : refuse(EBADF);  // a close that fails has closed all the same
}

int __wrap_poll(pollfd* fds, nfds_t count, int patience) {
    const bool simulated =
        std::any_of(fds, fds + count, [](const pollfd& p) { return p.fd >= machine::first_descriptor; });
    if (!simulated || machine::here() == nullptr) return __real_poll(fds, count, patience);
    auto& m = *machine::here();
    const daemon_call call(m);
    if (!call.goes()) return refuse(EINTR);
    int ready = 0;
    for (auto* p = fds; p != fds + count; ++p) {
        p->revents = 0;
        if (p->fd < 0) continue;
        if (const auto door = m.at_as<listening_door>(p->fd)) {
            if (!door->waiting.empty()) p->revents = POLLIN;
        } else if (const auto end = m.at_as<connection_end>(p->fd); !end) {
            p->revents = POLLNVAL;
        } else {
            if (m.is_readable(*end)) p->revents = static_cast<short>(p->events & POLLIN);
            if (end->other == nullptr) p->revents = static_cast<short>(p->revents | POLLHUP);
        }
        ready += p->revents != 0;
    }
    return ready;
}

int __wrap_accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
    auto* const m = mine(fd);
    if (m == nullptr) return __real_accept4(fd, address, size, flags);
    const daemon_call call(*m);
    if (!call.goes()) return refuse(call.is_dead() ? EBADF : one_of(*m, {EMFILE, ENFILE, ENOMEM, ECONNABORTED}));
    const auto door = known<listening_door>(*m, fd, "accept");
    if (!door || door->waiting.empty()) return refuse(EAGAIN);
    const int accepted = m->open(door->waiting.front());
    if (accepted < 0) return refuse(EMFILE);
    door->waiting.pop_front();
    return accepted;
}

ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
    auto* const m = mine(fd);
    if (m == nullptr) return __real_sendmsg(fd, message, flags);
    const auto end = known<connection_end>(*m, fd, "send");
    const daemon_call call(*m);
    if (call.is_dead()) return refuse(EPIPE);
    sent_message sent;
    const auto* const from = static_cast<const std::byte*>(message->msg_iov->iov_base);
    sent.bytes.assign(from, from + message->msg_iov->iov_len);
    if (message->msg_controllen != 0) {
        const auto* const head = CMSG_FIRSTHDR(message);
        for (std::size_t at = 0; at + sizeof(int) <= head->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(head) + at, sizeof number);
            sent.things.push_back(m->at(number));
            if (sent.things.back() == nullptr) m->complain("descriptors: one is sent that is not open");
        }
    }
    int error = EBADF;
    if (!call.goes()) {
        error = one_of(*m, {EAGAIN, ENOBUFS, ENOMEM, ETOOMANYREFS});
    } else if (end) {
        error = machine::send(*end, sent);
    }
    if (end && is_daemon(*m) && m->daemon_says) m->daemon_says(*end, sent, error);
    return error == 0 ? static_cast<ssize_t>(sent.bytes.size()) : refuse(error);
}

ssize_t __wrap_recvmsg(int fd, msghdr* message, int flags) {
    auto* const m = mine(fd);
    if (m == nullptr) return __real_recvmsg(fd, message, flags);
    const auto end = known<connection_end>(*m, fd, "receive");
    const daemon_call call(*m);
    if (call.is_dead() || !end) return refuse(EBADF);
    if (!call.goes()) return refuse(one_of(*m, {EAGAIN, EAGAIN, EAGAIN, EAGAIN, ENOMEM}));
    if (std::exchange(end->is_reset, false)) return refuse(ECONNRESET);
    const auto room = message->msg_controllen;
    message->msg_controllen = 0;
    message->msg_flags = 0;
    if (end->inbox.empty() || (end->is_slow && end->other != nullptr)) {
        return end->other == nullptr ? 0 : refuse(EAGAIN);
    }
    const auto came = std::move(end->inbox.front());
    end->inbox.pop_front();
    const auto size = std::min(came.bytes.size(), message->msg_iov->iov_len);
    std::memcpy(message->msg_iov->iov_base, came.bytes.data(), size);
    if (size != came.bytes.size()) message->msg_flags |= MSG_TRUNC;
    if (!came.things.empty()) {
        std::vector<int> numbers;
        for (const auto& t : came.things) {
            const int number = m->open(t);
            if (number < 0) {
                message->msg_flags |= MSG_CTRUNC;
                break;
            }
            numbers.push_back(number);
        }
        if (!numbers.empty() && room >= CMSG_SPACE(numbers.size() * sizeof(int))) {
            message->msg_controllen = CMSG_SPACE(numbers.size() * sizeof(int));
            auto* const head = CMSG_FIRSTHDR(message);
            head->cmsg_level = SOL_SOCKET;
            head->cmsg_type = SCM_RIGHTS;
            head->cmsg_len = CMSG_LEN(numbers.size() * sizeof(int));
            std::memcpy(CMSG_DATA(head), numbers.data(), numbers.size() * sizeof(int));
        }
    }
    if (is_daemon(*m) && m->daemon_hears) m->daemon_hears(*end, came.bytes);
    return static_cast<ssize_t>(size);
}

int __wrap_getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
    auto* const m = mine(fd);
    if (m == nullptr) return __real_getsockopt(fd, level, name, value, size);
    constexpr int so_peergroups = 59;
    const auto end = known<connection_end>(*m, fd, "getsockopt");
    const daemon_call call(*m);
    if (!call.goes() || !end) return refuse(ENOBUFS);
    if (name == SO_PEERCRED) {
        const ucred who{4242, end->peer.uid, end->peer.gid};
        std::memcpy(value, &who, sizeof who);
        return 0;
    }
    if (name != so_peergroups) return refuse(ENOPROTOOPT);
    const auto needed = static_cast<socklen_t>(end->peer.groups.size() * sizeof(gid_t));
    const bool fits = *size >= needed;
    *size = needed;
    if (!fits) return refuse(ERANGE);
    if (needed != 0) std::memcpy(value, end->peer.groups.data(), needed);
    return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
    return mine(fd) == nullptr ? __real_setsockopt(fd, level, name, value, size) : 0;
}

int __wrap_fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    const long argument = va_arg(rest, long);
    va_end(rest);
    auto* const m = mine(fd);
    if (m == nullptr) return __real_fcntl(fd, command, argument);
    const daemon_call call(*m);
    if (!call.goes()) return refuse(call.is_dead() ? EBADF : EPERM);
    if (command == F_GETFL || command == F_SETFL) return 0;
    const auto file = known<memory_file>(*m, fd, "fcntl");
    if (!file) return refuse(EBADF);
    if (command == F_ADD_SEALS) {
        file->seals |= static_cast<int>(argument);
        return 0;
    }
    return command == F_GET_SEALS ? file->seals : refuse(EINVAL);
}

int __wrap_memfd_create(const char* name, unsigned flags) {
    auto* const m = machine::here();
    if (m == nullptr) return __real_memfd_create(name, flags);
    const daemon_call call(*m);
    if (!call.goes()) return refuse(one_of(*m, {EMFILE, ENFILE, ENOMEM}));
    const int fd = m->open(m->make<memory_file>());
    return fd >= 0 ? fd : refuse(EMFILE);
}

int __wrap_ftruncate(int fd, off_t size) {
    auto* const m = mine(fd);
    if (m == nullptr) return __real_ftruncate(fd, size);
    const daemon_call call(*m);
    const auto file = m->at_as<memory_file>(fd);
    if (!call.goes() || !file) return refuse(ENOSPC);
    file->size = static_cast<std::size_t>(size);
    file->words = std::make_shared<std::vector<std::uint64_t>>((file->size + 7) / 8);
    return 0;
}

void* __wrap_mmap(void* at, std::size_t size, int protection, int flags, int fd, off_t offset) {
    auto* const m = mine(fd);
    if (m == nullptr) return __real_mmap(at, size, protection, flags, fd, offset);
    const daemon_call call(*m);
    const auto file = m->at_as<memory_file>(fd);
    if (!call.goes() || !file || !file->words || size > file->size) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    auto* const where = file->words->data();
    if (!m->running->mapped.emplace(where, file->words).second) m->complain("memory: a file is mapped twice");
    return where;
}

int __wrap_munmap(void* at, std::size_t size) {
    auto* const m = machine::here();
    if (m == nullptr || m->running == nullptr || m->running->mapped.erase(at) == 0) return __real_munmap(at, size);
    return 0;
}

int __wrap_fstat(int fd, struct stat* status) {
    auto* const m = mine(fd);
    if (m == nullptr) return __real_fstat(fd, status);
    const daemon_call call(*m);
    const auto file = m->at_as<memory_file>(fd);
    if (!call.goes() || !file) return refuse(EIO);
    std::memset(status, 0, sizeof *status);
    status->st_size = static_cast<off_t>(file->size);
    return 0;
}

std::time_t __wrap_time(std::time_t* out) {
    if (machine::here() == nullptr) return __real_time(out);
    if (out != nullptr) *out = 1'700'000'000;
    return 1'700'000'000;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
