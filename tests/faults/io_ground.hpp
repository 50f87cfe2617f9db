// A context of either backend, and operations on it: each one is made, run to its end and gone within one call.
//
// The other ends are plain sockets of a thread that stands apart, so that only the library's calls are counted.
#pragma once

#include "faults/sweep.hpp"

#include <berth/berth.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::test {

using namespace std::chrono_literals;
using asio::ip::tcp;
using asio::ip::udp;

/// A plain descriptor. What is done with it is not counted.
class plain {
public:
    plain() = default;
    explicit plain(int fd) : fd_(fd) {}
    plain(plain&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    plain& operator=(plain&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~plain() {
        if (fd_ >= 0) ::close(fd_);
    }
    operator int() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }

private:
    int fd_ = -1;
};

inline sockaddr_in here(std::uint16_t port = 0) {
    sockaddr_in a{};
    a.sin_family = AF_INET, a.sin_port = htons(port), a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}
inline std::uint16_t port_of(int fd) {
    sockaddr_in a{};
    socklen_t size = sizeof a;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
    return ntohs(a.sin_port);
}
inline plain bound_plain(int type) {
    plain s(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto a = here();
    ::bind(s, reinterpret_cast<const sockaddr*>(&a), sizeof a);
    return s;
}
inline plain connected_plain(std::uint16_t port, int type = SOCK_STREAM) {
    plain s(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    const auto a = here(port);
    ::connect(s, reinterpret_cast<const sockaddr*>(&a), sizeof a);
    return s;
}

/// A context, and a listening socket that is none of it.
struct world {
    explicit world(backend_choice backend) : context({.backend = backend, .entries = 64, .lent_buffer_count = 16}) {
        door = bound_plain(SOCK_STREAM);
        ::listen(door, 64);
        port = port_of(door);
    }
    io_context context;
    plain door;
    std::uint16_t port = 0;  // the door's

    /// What handlers write to: they may be called when the operation's own variables are gone.
    std::optional<error_code> result;
    std::size_t count = 0;

    std::optional<error_code>& begin() {
        count = 0;
        result.reset();
        return result;
    }
    /// Runs until the result is there. A failure that has none is a time-out.
    outcome run() {
        const auto end = std::chrono::steady_clock::now() + 500ms;
        while (!result && std::chrono::steady_clock::now() < end) {
            context.restart();
            context.run_one_for(50ms);
        }
        return of(result.value_or(std::make_error_code(std::errc::timed_out)));
    }
    /// What cancelled operations still have to say is said.
    void settle() {
        const stands_apart apart;
        context.restart();
        context.poll();
    }
    /// A connection whose one end is a plain socket's.
    std::pair<tcp_socket, plain> connected() {
        const stands_apart apart;
        plain far = connected_plain(port);
        tcp_socket near(context);
        near.assign(tcp::v4(), ::accept4(door, nullptr, nullptr, SOCK_CLOEXEC));
        return {std::move(near), std::move(far)};
    }
    /// Accepts and closes all that wait at the door, by a reset.
    void clear_door() {
        const stands_apart apart;
        for (int fd = -1; (fd = ::accept4(door, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
            const linger reset{1, 0};
            ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            ::close(fd);
        }
    }
};

using io_act = std::function<outcome(world&)>;

class io_stage final : public stage {
public:
    io_stage(backend_choice backend, io_act act) : world_(backend), act_(std::move(act)) {}
    outcome act() override {
        struct settled {
            world& w;
            ~settled() { w.settle(); }
        } const finally{world_};
        return act_(world_);
    }

private:
    world world_;
    io_act act_;
};

/// The operation on both backends; `fresh`: on a new context each time, so that what is made once fails as well.
inline void add_io(std::vector<scenario>& all, const std::string& name, const io_act& act, bool fresh = false) {
    for (const auto backend : {backend_choice::io_uring, backend_choice::asio}) {
        scenario s;
        s.name = name + (backend == backend_choice::io_uring ? "_uring" : "_epoll");
        s.make = [=] { return std::make_unique<io_stage>(backend, act); };
        s.stays = !fresh;
        s.recycles = true;
        // Asio 1.22 keeps its state of a descriptor that epoll refused, until the context ends.
        if (backend == backend_choice::asio) s.kept_after = "epoll_ctl";
        all.push_back(std::move(s));
    }
}

}  // namespace berth::test
