// A client's descriptors: closed with their owner, TCP ones abortively, so that no TIME_WAIT stays behind.
#pragma once

#include "baseline/raw/sockets.hpp"
#include "loopback/load/load.hpp"
#include "measure/clock.hpp"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/time.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace berth::bench {

class client_socket {
public:
    client_socket() = default;
    explicit client_socket(int fd) noexcept : fd_(fd) {}
    client_socket(client_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    client_socket& operator=(client_socket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~client_socket() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int fd() const noexcept { return fd_; }
    void close() noexcept {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

private:
    int fd_ = -1;
};

/// type: SOCK_STREAM or SOCK_DGRAM. It blocks; the loads receive with MSG_DONTWAIT. Throws server_silent.
inline client_socket connect_to(std::uint16_t port, int type) {
    client_socket s(raw::open_socket(type));
    const sockaddr_in server = raw::loopback_address(port);
    if (type == SOCK_STREAM) {
        const linger abort{1, 0};
        ::setsockopt(s.fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
        raw::set_option(s.fd(), IPPROTO_TCP, TCP_NODELAY, 1);
    }
    if (s.fd() < 0 || ::connect(s.fd(), reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0)
        throw server_silent(std::string("no connection: ") + std::strerror(errno));
    return s;
}

/// For calls that wait.
inline void set_patience(const client_socket& s, nanoseconds patience) noexcept {
    timeval time{};
    time.tv_sec = patience / 1'000'000'000;
    time.tv_usec = patience % 1'000'000'000 / 1000;
    ::setsockopt(s.fd(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    ::setsockopt(s.fd(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

/// The events of one load; which socket is told by an index.
class event_queue {
public:
    event_queue() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

    void add(const client_socket& s, std::uint32_t index, std::uint32_t events) const {
        epoll_event event{};
        event.events = events;
        event.data.u32 = index;
        if (::epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, s.fd(), &event) != 0)
            throw std::runtime_error(std::string("epoll: ") + std::strerror(errno));
    }
    /// Calls handle(index) per event; false if there was none in time.
    template <class Handle>
    bool wait(nanoseconds patience, Handle&& handle) const {
        epoll_event events[128];
        const int count = ::epoll_wait(epoll_.fd(), events, 128, static_cast<int>(patience / 1'000'000));
        for (int i = 0; i < count; ++i) handle(events[i].data.u32);
        return count != 0;
    }

private:
    client_socket epoll_;
};

}  // namespace berth::bench
