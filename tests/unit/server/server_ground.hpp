// What the tests of a server share: shards of the backend in question, and clients that are not berth's.
#pragma once

#include <berth/server.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <asio/write.hpp>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "support/sockets.hpp"
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
namespace system = berth::test;

constexpr auto as_tuple = asio::experimental::as_tuple(use_awaitable);

/// A blocking socket of the system's, from an address of the loopback network.
class client {
public:
    client() = default;
    explicit client(const tcp::endpoint& to, const char* from = "127.0.0.1", int receive_buffer = 0)
        : socket_(system::open_tcp()) {
        system::give_up_after(socket_, 5s);
        if (receive_buffer != 0) system::set_option(socket_, SOL_SOCKET, SO_RCVBUF, receive_buffer);
        EXPECT_TRUE(system::bind_socket(socket_, tcp::endpoint(asio::ip::make_address(from), 0)))
            << system::last_error();
        is_connected_ =
            system::connect_socket(socket_, tcp::endpoint(asio::ip::address_v4::loopback(), to.port())) ||
            went_through();
    }
    client(client&& other) noexcept
        : socket_(std::exchange(other.socket_, system::no_socket)), is_connected_(other.is_connected_) {}
    client& operator=(client&& other) noexcept {
        std::swap(socket_, other.socket_);
        std::swap(is_connected_, other.is_connected_);
        return *this;
    }
    ~client() {
        if (socket_ != system::no_socket) system::close_socket(socket_);
    }
    explicit operator bool() const { return is_connected_; }
    [[nodiscard]] system::socket_handle socket() const { return socket_; }

    void say(const std::string& bytes) const {
        EXPECT_EQ(system::send_some(socket_, bytes.data(), bytes.size()), static_cast<std::ptrdiff_t>(bytes.size()))
            << system::last_error();
    }
    void end() const { system::end_sending(socket_); }
    /// With a reset.
    void abort() { system::close_with_reset(std::exchange(socket_, system::no_socket)); }
    /// So many bytes; fewer: the other side ended, or five seconds went by.
    [[nodiscard]] std::string hear(std::size_t size) const {
        std::string heard(size, '\0');
        std::size_t got = 0;
        while (got < size) {
            const auto n = system::receive_some(socket_, heard.data() + got, size - got);
            if (n < 0 && system::last_trouble() == system::trouble::interrupted) continue;  // by a ring of this thread
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
            if (!system::wait_readable(socket_, std::max(left, 0ms))) return open;
            const auto n = system::receive_some(socket_, dropped, sizeof dropped);
            if (n == 0) return ended;
            if (n < 0) return reset;
        }
    }

private:
    /// A connect that was interrupted goes on.
    [[nodiscard]] bool went_through() const {
        return system::last_trouble() == system::trouble::interrupted && system::wait_writable(socket_, 5s) &&
               system::pending_error(socket_) == 0;
    }

    system::socket_handle socket_ = system::no_socket;
    bool is_connected_ = false;
};

/// Until the client ends, or the server stops and nothing has come.
awaitable<void> echo(connection c);
berth::connection_callbacks echo_callbacks();

/// For tests that tell a reset from an end by what a client hears late.
#define BERTH_NEEDS_RESETS_TO_BE_KEPT() \
    if (!system::resets_are_kept()) GTEST_SKIP() << "here a reset that nobody waited for is heard as an end"

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
