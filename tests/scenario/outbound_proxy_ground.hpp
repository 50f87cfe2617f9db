// A process of the outbound proxy, and the world around it: servers that know who came, clients of every kind.
//
// The proxy listens at a port of the system's choice and takes any blocks, so that tests run beside each other; both
// are read from its log.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace berth::test {

using asio::ip::tcp;
using namespace std::string_literals;

/// A blocking connection whose receives end after ten seconds.
class stream {
public:
    explicit stream(int fd) noexcept : fd_(fd) {}
    stream(const char* address, std::uint16_t port);
    stream(stream&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    stream& operator=(stream&&) = delete;
    ~stream();

    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] tcp::endpoint remote() const;
    /// False: it is cut off.
    bool send(std::string_view bytes) const;
    void end_sending() const;
    /// Exactly so many bytes, or what came until the end.
    [[nodiscard]] std::string receive(std::size_t size) const;
    /// Until the end. `how`: 0 an orderly end, else the error (ECONNRESET, EAGAIN: ten seconds passed).
    [[nodiscard]] std::string receive_all(int* how = nullptr) const;
    void close();
    void close_with_reset();
    void receive_buffer(int bytes) const;

private:
    int fd_;
};

/// A server on loopback: `serve` runs for each connection, on a thread of its own.
class small_server {
public:
    explicit small_server(std::function<void(stream&)> serve, const char* address = "127.0.0.1");
    small_server(const small_server&) = delete;
    small_server& operator=(const small_server&) = delete;
    ~small_server();

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// Where connections came from. Waits until there are so many, five seconds at most: a connection is there before
    /// it is accepted.
    [[nodiscard]] std::vector<tcp::endpoint> visitors(std::size_t least = 0) const;

private:
    std::function<void(stream&)> serve_;
    int fd_ = -1;
    std::uint16_t port_ = 0;
    mutable std::mutex gate_;
    std::vector<tcp::endpoint> visitors_;
    std::vector<std::thread> threads_;
    std::vector<int> open_;
    std::thread accepting_;
};

/// HTTP for curl: GET /N answers with N bytes of page_byte.
void serve_page(stream& client);
/// Says back what it hears, until the end.
void serve_echo(stream& client);

class outbound_proxy_ground : public testing::Test {
protected:
    ~outbound_proxy_ground() override;

    /// Starts it, at any port of 127.0.0.1 and with loopback allowed, unless allows_loopback_ is false. Post: it
    /// listens.
    void start(const std::vector<std::string>& more);
    /// SIGTERM, if it was not told already; the exit status; -1: it had to be killed.
    int stop(std::chrono::seconds limit = std::chrono::seconds(10));
    void tell_to_stop() const;
    /// Runs it to its end; what it said.
    std::string run_to_end(const std::vector<std::string>& arguments, int& status);

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] stream connect() const { return {"127.0.0.1", port_}; }
    /// Through it, already there; the status if it was refused.
    stream connect_socks(std::uint16_t to, int& reply) const;
    [[nodiscard]] std::string log() const;
    /// The log has it within five seconds.
    [[nodiscard]] bool logs(const std::string& text) const;
    /// Whether a port is one of the source that the log calls so.
    [[nodiscard]] bool is_of(const std::string& source, std::uint16_t port) const;
    [[nodiscard]] long resident_kilobytes() const;
    /// curl's exit status; `said`: its output and errors.
    static int curl(const std::string& arguments, std::string& said);

    std::uint16_t port_ = 0;
    pid_t proxy_ = 0;
    bool is_told_ = false;
    bool allows_loopback_ = true;
    /// Whether hosts_ may be set here.
    static bool can_make_up_names();
    std::string hosts_;  ///< a file that the proxy takes for /etc/hosts; as root, in a namespace of the test's own

private:
    pid_t spawn(const std::vector<std::string>& arguments, const std::string& log) const;
    std::string log_;
};

}  // namespace berth::test
