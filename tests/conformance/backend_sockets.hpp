// Loopback sockets for the backend's suite, made and spoken to with the kernel's calls alone, each with a sibling for
// each system (linux/, windows/).
//
// Ports are the kernel's choice. Every socket is closed with its owner, and blocks until a backend says otherwise.
#pragma once

#include <asio/detail/socket_types.hpp>  // the system's headers of sockets, and no more

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

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

// What does not wait, whatever the socket does otherwise.
long say_what_fits(const descriptor& from, const std::string& bytes, std::size_t from_byte = 0);  // bytes; -1: none
std::string take_what_is_there(const descriptor& at, std::size_t most);
descriptor start_connecting(const ip_address& address);

descriptor next_client(const descriptor& door);  // waits for it
/// Two ends of a stream that nobody moves bytes of once neither takes any more.
stream_pair local_pair();
void fill(const descriptor& stream);  // until it takes no more
void set_send_buffer(const descriptor& d, int bytes);
void end_both_ways(const descriptor& d);
bool becomes_readable(int fd, std::chrono::milliseconds limit);
void close_number(int fd);
bool is_kept_from_children(int fd);
bool is_non_blocking(const descriptor& unread_stream);
/// What a program can read of a socket, its mode apart.
std::map<std::string, int> facts_of(int fd);
int threads_of_this_process();

/// Numbers of open things that are no sockets, and of nothing at all.
struct no_sockets {
    no_sockets();
    no_sockets(const no_sockets&) = delete;
    ~no_sockets();
    std::vector<int> open, nothing;
};

/// What this system does not do, in words; nullptr: it does.
namespace lacks {
extern const char* const refused_datagrams;  // a socket hears that nobody listens where it sent to
}

/// The system's numbers for what goes wrong.
namespace number {
extern const int connection_reset, connection_refused, ended, message_size, is_connected, invalid, not_supported,
    not_a_socket, bad_descriptor;
extern const int receive_unconnected, send_unconnected;
extern const int datagram_refused;  // a connected UDP socket's, where nobody listens
}  // namespace number

}  // namespace backend_suite
