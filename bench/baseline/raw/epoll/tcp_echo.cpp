// Bare epoll over TCP, edge-triggered: read, send back, and stop at a read that was short.
//
// After a short read the queue is empty, and whatever comes later is a new edge: a request costs one recv, one send
// and its share of an epoll_wait. What the kernel does not take at once is kept, and reading rests until it is gone.
#include "baseline/raw/sockets.hpp"
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <system_error>
#include <vector>

namespace berth::bench {
namespace {

class echo_server {
public:
    echo_server(int listener, std::size_t read_size)
        : listener_(listener), epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(read_size) {
        if (epoll_ < 0 || !watch(EPOLL_CTL_ADD, listener_, EPOLLIN))
            throw std::system_error(errno, std::system_category(), "epoll");
    }

    void run() {
        std::array<epoll_event, 256> events;
        for (;;) {
            const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
            for (int i = 0; i < count; ++i) {
                const epoll_event& e = events[static_cast<std::size_t>(i)];
                if (e.data.fd == listener_)
                    accept();
                else
                    serve(e.data.fd, (e.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
            }
        }
    }

private:
    static constexpr std::uint32_t edges = EPOLLIN | EPOLLRDHUP | EPOLLET;

    bool watch(int operation, int fd, std::uint32_t what) noexcept {
        epoll_event event{};
        event.events = what;
        event.data.fd = fd;
        return ::epoll_ctl(epoll_, operation, fd, &event) == 0;
    }

    void accept() {
        for (;;) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            const auto index = static_cast<std::size_t>(fd);
            if (index >= unsent_.size()) unsent_.resize(index + index / 2 + 64);
            if (!watch(EPOLL_CTL_ADD, fd, edges)) ::close(fd);
        }
    }

    void serve(int fd, bool ends) {
        std::vector<char>& rest = unsent_[static_cast<std::size_t>(fd)];
        if (!rest.empty()) {
            if (!send(fd, rest.data(), rest.size(), rest)) return;
            if (!rest.empty()) return;
            watch(EPOLL_CTL_MOD, fd, edges);
        }
        for (;;) {
            const ssize_t got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
            if (got < 0 && errno == EAGAIN) return;
            if (got <= 0) return close(fd);
            if (!send(fd, buffer_.data(), static_cast<std::size_t>(got), rest)) return;
            if (!rest.empty()) {
                watch(EPOLL_CTL_MOD, fd, EPOLLOUT | EPOLLRDHUP | EPOLLET);
                return;
            }
            if (!ends && static_cast<std::size_t>(got) < buffer_.size()) return;
        }
    }

    /// `rest` becomes what could not be sent. False: the connection is closed.
    bool send(int fd, const char* data, std::size_t size, std::vector<char>& rest) {
        ssize_t done = ::send(fd, data, size, MSG_NOSIGNAL);
        if (done < 0 && errno == EAGAIN) done = 0;
        if (done < 0) {
            close(fd);
            return false;
        }
        if (static_cast<std::size_t>(done) == size)
            rest.clear();
        else
            rest = std::vector<char>(data + done, data + size);
        return true;
    }

    void close(int fd) {
        ::close(fd);
        unsent_[static_cast<std::size_t>(fd)].clear();
    }

    int listener_;
    int epoll_;
    std::vector<char> buffer_;
    std::vector<std::vector<char>> unsent_;  // by descriptor; nearly always empty
};

}  // namespace

void serve_tcp(const server_order& order) {
    const int listener = open_listener();
    echo_server server(listener, read_size(order));
    announce(order, listener);
    server.run();
}

}  // namespace berth::bench
