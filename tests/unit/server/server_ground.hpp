// What the tests of a server share: shards of the backend in question, and clients that are not berth's.
#pragma once

#include <berth/server.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <asio/write.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "unit/io/by_backend.hpp"

namespace server_test {

using namespace io_test;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using berth::connection;
using berth::server;
using berth::server_options;
using clock = std::chrono::steady_clock;

constexpr auto as_tuple = asio::experimental::as_tuple(use_awaitable);

/// A blocking socket of the system's, from an address of the loopback network.
class client {
public:
    client() = default;
    explicit client(const tcp::endpoint& to, const char* from = "127.0.0.1", int receive_buffer = 0)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval patience{5, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (receive_buffer != 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in mine{};
        mine.sin_family = AF_INET;
        ::inet_pton(AF_INET, from, &mine.sin_addr);
        EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&mine), sizeof mine), 0) << errno;
        sockaddr_in server{};
        server.sin_family = AF_INET;
        server.sin_port = htons(to.port());
        server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        is_connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&server), sizeof server) == 0 || went_through();
    }
    client(client&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), is_connected_(other.is_connected_) {}
    client& operator=(client&& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(is_connected_, other.is_connected_);
        return *this;
    }
    ~client() {
        if (fd_ >= 0) ::close(fd_);
    }
    explicit operator bool() const { return is_connected_; }
    [[nodiscard]] int fd() const { return fd_; }

    void say(const std::string& bytes) const {
        EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size())) << errno;
    }
    void end() const { ::shutdown(fd_, SHUT_WR); }
    /// With a reset.
    void abort() {
        const linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        ::close(std::exchange(fd_, -1));
    }
    /// So many bytes; fewer: the other side ended, or five seconds went by.
    [[nodiscard]] std::string hear(std::size_t size) const {
        std::string heard(size, '\0');
        std::size_t got = 0;
        while (got < size) {
            const auto n = ::recv(fd_, heard.data() + got, size - got, 0);
            if (n < 0 && errno == EINTR) continue;  // a ring of this thread has something to do
            if (n <= 0) break;
            got += static_cast<std::size_t>(n);
        }
        heard.resize(got);
        return heard;
    }
    [[nodiscard]] std::string ask(const std::string& bytes) const {
        say(bytes);
        return hear(bytes.size());
    }
    enum ending { ended, reset, open };
    /// How the server's side ended, within some time; bytes that come before are dropped.
    [[nodiscard]] ending wait_for_end(std::chrono::milliseconds most = 5s) const {
        if (!is_connected_) return reset;  // it came before connect() had returned, which has said so
        const auto until = clock::now() + most;
        for (char dropped[4096];;) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now());
            pollfd waiting{fd_, POLLIN, 0};
            const int ready = ::poll(&waiting, 1, static_cast<int>(std::max(left, 0ms).count()));
            if (ready < 0 && errno == EINTR) continue;
            if (ready <= 0) return open;
            const auto n = ::recv(fd_, dropped, sizeof dropped, MSG_DONTWAIT);
            if (n == 0) return ended;
            if (n < 0) return reset;
        }
    }

private:
    /// A connect that was interrupted goes on.
    [[nodiscard]] bool went_through() const {
        if (errno != EINTR) return false;
        pollfd waiting{fd_, POLLOUT, 0};
        while (::poll(&waiting, 1, 5000) < 0 && errno == EINTR) {
        }
        int error = 0;
        socklen_t size = sizeof error;
        return ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    }

    int fd_ = -1;
    bool is_connected_ = false;
};

/// Until the client ends, or the server stops and nothing has come.
awaitable<void> echo(connection c);
berth::connection_callbacks echo_callbacks();

class server_by_backend : public by_backend {
protected:
    void SetUp() override {
        by_backend::SetUp();
        context_.reset();  // it was asked whether it can be had
    }
    /// Two shards and a server on them, not started.
    void make(const server_options& options = {}, std::size_t count = 2) {
        shards_ = std::make_unique<berth::shards>(
            berth::shards_options{.count = count, .context = {.backend = GetParam()}});
        server_ = std::make_unique<server>(*shards_, options);
        at_ = server_->listen(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    }
    /// Ends the server, whose handlers know of the test's locals, while those are there.
    struct [[nodiscard]] serving {
        explicit serving(server_by_backend& test) : test_(test) {}
        serving(const serving&) = delete;
        serving& operator=(const serving&) = delete;
        ~serving() { test_.end(); }

    private:
        server_by_backend& test_;
    };
    template <class Handler>
    serving serve(Handler handler, const server_options& options = {}, std::size_t count = 2) {
        make(options, count);
        return go(std::move(handler));
    }
    template <class Handler>
    serving go(Handler handler) {
        server_->start(std::move(handler));
        shards_->start();
        return serving(*this);
    }
    void end() {
        server_.reset();
        if (!shards_) return;
        shards_->stop();
        EXPECT_NO_THROW(shards_->join());
    }
    void TearDown() override { end(); }
    berth::server_statistics books() const { return server_->statistics(); }
    /// Waits until the books say so, five seconds at most.
    template <class Said>
    bool soon(Said said) const {
        const auto until = clock::now() + 5s;
        while (!said(books())) {
            if (clock::now() > until) return false;
            std::this_thread::sleep_for(2ms);
        }
        return true;
    }
    bool soon_active(std::uint64_t count) const {
        return soon([&](const auto& b) { return b.active == count; });
    }
    /// What async_stop says.
    error_code stopped(server_options::duration deadline) {
        std::promise<error_code> said;
        server_->async_stop(deadline, [&](error_code ec) { said.set_value(ec); });
        auto future = said.get_future();
        if (future.wait_for(10s) != std::future_status::ready) return asio::error::fault;
        return future.get();
    }

    std::unique_ptr<berth::shards> shards_;
    std::unique_ptr<server> server_;
    tcp::endpoint at_;
};

}  // namespace server_test
