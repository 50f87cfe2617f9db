// Loopback sockets for the backend's suite, made and spoken to with the kernel's calls alone.
//
// Ports are the kernel's choice. Every socket is closed with its owner, and blocks until a backend says otherwise.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <utility>

namespace backend_suite {

class descriptor {
public:
    explicit descriptor(int fd = -1) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor() { close(); }
    [[nodiscard]] int fd() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void close() noexcept;
    void reset_connection() noexcept;  // closes with a reset

private:
    int fd_;
};

struct ip_address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    [[nodiscard]] std::string text() const;  // "127.0.0.1:80"
};

ip_address local_address(const descriptor& d);
ip_address nobodys_address(int type);  // loopback, a port that nothing listens on

descriptor listener(int backlog = 1024, int family = AF_INET);
descriptor datagram_socket(int family = AF_INET);  // bound
descriptor connected_to(const ip_address& address, int type = SOCK_STREAM);
descriptor new_stream(int family = AF_INET);

struct stream_pair {
    descriptor here, there;
};
stream_pair connected_pair();

bool say(const descriptor& from, const std::string& bytes);
bool say_to(const descriptor& from, const std::string& bytes, const ip_address& to);
std::string hear(const descriptor& at, std::size_t most = 65536);  // blocks, five seconds at most
std::string hear_all(const descriptor& at, std::size_t bytes);
bool is_open(int fd);

}  // namespace backend_suite
