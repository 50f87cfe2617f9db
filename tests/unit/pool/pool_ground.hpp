// What the tests of pools share: shards on threads of their own, blocking clients that are none of berth's.
#pragma once

#include "scenario/failing_ground.hpp"
#include "unit/io/by_backend.hpp"

#include <asio.hpp>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>

#include <memory>
#include <thread>
#include <vector>

namespace pool_test {

using namespace io_test;
using namespace berth::test;
using asio::ip::tcp;
using asio::ip::udp;

/// A context that is run by a thread until it goes.
class shard {
public:
    explicit shard(berth::backend_choice backend)
        : context_({.backend = backend}), thread_([this] { context_.run(); }) {}
    ~shard() {
        context_.stop();
        thread_.join();
    }
    shard(const shard&) = delete;
    berth::io_context& context() noexcept { return context_; }

    /// Runs a function there, and waits for it.
    template <class Function>
    auto there(Function f) {
        return asio::post(context_, asio::use_future(std::move(f))).get();
    }

private:
    berth::io_context context_;
    asio::executor_work_guard<berth::io_context::executor_type> busy_{context_.get_executor()};
    std::thread thread_;
};

enum class served { yes, reset, refused, closed, silent };

inline int client_of(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET, to.sin_port = htons(port), to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    return fd;
}

/// How it ends for a client that waits for one byte, and then asks. (A listener that falls silent in the midst of a
/// handshake leaves a client that only waits in the dark; whoever speaks is told.)
inline served end_of_client(int fd, int timeout_ms) {
    pollfd wait{fd, POLLIN, 0};
    if (::poll(&wait, 1, timeout_ms) == 0) {
        ::send(fd, "?", 1, MSG_NOSIGNAL);
        if (::poll(&wait, 1, timeout_ms) == 0) return served::silent;
    }
    char byte = 0;
    const ssize_t got = ::recv(fd, &byte, 1, 0);
    if (got == 1) return served::yes;
    if (got == 0) return served::closed;
    return errno == ECONNREFUSED ? served::refused : served::reset;
}

inline std::size_t limit_of_descriptors(std::size_t soft) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const auto before = limit.rlim_cur;
    limit.rlim_cur = soft;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return before;
}

}  // namespace pool_test
