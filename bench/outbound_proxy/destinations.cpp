// See destinations.hpp.
#include "outbound_proxy/destinations.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <map>
#include <set>
#include <system_error>

namespace berth::bench {
namespace {

struct question {
    std::uint16_t first;
    std::uint32_t count;
};

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::system_category(), what); }

int listen_somewhere(std::uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* const address = reinterpret_cast<sockaddr*>(&at);
    if (fd < 0 || ::bind(fd, address, size) != 0 || ::listen(fd, 4096) != 0 || ::getsockname(fd, address, &size) != 0)
        fail("a destination of the benchmark");
    port = ntohs(at.sin_port);
    return fd;
}

class echoes {
public:
    echoes(int line, const std::vector<int>& listeners) : line_(line), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        watch(line);
        for (const int fd : listeners) {
            listeners_.insert(fd);
            watch(fd);
        }
    }

    void run() {
        std::array<epoll_event, 256> events;
        for (;;) {
            const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < count; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == line_) {
                    if (!answer()) return;
                } else if (listeners_.contains(fd)) {
                    accept_all(fd);
                } else {
                    echo(fd);
                }
            }
        }
    }

private:
    void watch(int fd) const {
        epoll_event e{};
        e.events = EPOLLIN;
        e.data.fd = fd;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e);
    }
    void accept_all(int listener) {
        for (;;) {
            sockaddr_in from{};
            socklen_t size = sizeof from;
            const int fd =
                ::accept4(listener, reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            open_[fd] = {listener, ntohs(from.sin_port)};
            watch(fd);
        }
    }
    void echo(int fd) {
        char bytes[4096];
        const auto size = ::recv(fd, bytes, sizeof bytes, 0);
        if (size > 0 && ::send(fd, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL) == size) return;
        if (size < 0 && errno == EAGAIN) return;
        open_.erase(fd);
        ::close(fd);
    }
    bool answer() const {
        question q{};
        if (::recv(line_, &q, sizeof q, 0) != sizeof q) return false;
        seen s;
        std::set<std::pair<int, std::uint16_t>> tuples;
        std::set<std::uint16_t> ports;
        for (const auto& [fd, ends] : open_) {
            ++s.open;
            s.twice += tuples.insert(ends).second ? 0 : 1;
            if (ends.second < q.first || ends.second >= q.first + q.count) continue;
            ++s.of_block;
            ports.insert(ends.second);
        }
        s.ports = static_cast<std::uint32_t>(ports.size());
        return ::send(line_, &s, sizeof s, MSG_NOSIGNAL) == sizeof s;
    }

    int line_, epoll_;
    std::set<int> listeners_;
    std::map<int, std::pair<int, std::uint16_t>> open_;  // descriptor → listener and the other end's port
};

}  // namespace

destinations::destinations(std::uint32_t count) {
    std::vector<int> listeners;
    for (std::uint32_t i = 0; i < count; ++i) listeners.push_back(listen_somewhere(ports_.emplace_back()));
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
    const pid_t parent = ::getpid();
    child_ = ::fork();
    if (child_ < 0) fail("fork");
    if (child_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::close(ends[0]);
        if (::getppid() == parent) echoes(ends[1], listeners).run();
        ::_exit(0);
    }
    for (const int fd : listeners) ::close(fd);
    ::close(ends[1]);
    line_ = ends[0];
}

destinations::~destinations() {
    ::close(line_);
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
}

seen destinations::look(std::uint16_t first, std::uint32_t count) const {
    const question q{first, count};
    seen s;
    if (::send(line_, &q, sizeof q, MSG_NOSIGNAL) != sizeof q || ::recv(line_, &s, sizeof s, 0) != sizeof s)
        fail("the destinations do not answer");
    return s;
}

}  // namespace berth::bench
