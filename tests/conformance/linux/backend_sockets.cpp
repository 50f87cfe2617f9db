// Linux's: see backend_sockets.hpp.
#include "conformance/backend_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>

namespace backend_suite {
namespace {

ip_address loopback(int family) {
    ip_address a;
    if (family == AF_INET) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::memcpy(&a.storage, &in, a.size = sizeof(in));
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_addr = in6addr_loopback;
        std::memcpy(&a.storage, &in, a.size = sizeof(in));
    }
    return a;
}

descriptor bound(int family, int type) {
    descriptor d(::socket(family, type | SOCK_CLOEXEC, 0));
    const auto a = loopback(family);
    if (::bind(d.fd(), a.get(), a.size) != 0) d.close();
    return d;
}

bool wait_for(int fd, short events) {
    pollfd p{fd, events, 0};
    return ::poll(&p, 1, 5000) == 1;
}

}  // namespace

void descriptor::close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

void descriptor::reset_connection() noexcept {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close();
}

std::string ip_address::text() const {
    char name[INET6_ADDRSTRLEN] = "?";
    if (storage.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
        ::inet_ntop(AF_INET, &in.sin_addr, name, sizeof(name));
        return std::string(name) + ':' + std::to_string(ntohs(in.sin_port));
    }
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    ::inet_ntop(AF_INET6, &in.sin6_addr, name, sizeof(name));
    return std::string(name) + ':' + std::to_string(ntohs(in.sin6_port));
}

ip_address local_address(const descriptor& d) {
    ip_address a;
    a.size = sizeof(a.storage);
    ::getsockname(d.fd(), reinterpret_cast<sockaddr*>(&a.storage), &a.size);
    return a;
}

ip_address nobodys_address(int type) { return local_address(bound(AF_INET, type)); }

descriptor listener(int backlog, int family) {
    auto d = bound(family, SOCK_STREAM);
    ::listen(d.fd(), backlog);
    return d;
}

descriptor datagram_socket(int family) { return bound(family, SOCK_DGRAM); }

descriptor new_stream(int family) { return descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

descriptor connected_to(const ip_address& address, int type) {
    descriptor d(::socket(address.storage.ss_family, type | SOCK_CLOEXEC, 0));
    if (::connect(d.fd(), address.get(), address.size) != 0) d.close();
    return d;
}

stream_pair connected_pair() {
    const auto door = listener(1);
    stream_pair p;
    p.here = connected_to(local_address(door));
    p.there = descriptor(::accept4(door.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    return p;
}

bool say(const descriptor& from, const std::string& bytes) {
    return ::send(from.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

bool say_to(const descriptor& from, const std::string& bytes, const ip_address& to) {
    return ::sendto(from.fd(), bytes.data(), bytes.size(), 0, to.get(), to.size) ==
           static_cast<ssize_t>(bytes.size());
}

std::string hear(const descriptor& at, std::size_t most) {
    std::string bytes(most, '\0');
    if (!wait_for(at.fd(), POLLIN)) return "nothing came";
    const auto n = ::recv(at.fd(), bytes.data(), bytes.size(), 0);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
}

std::string hear_all(const descriptor& at, std::size_t bytes) {
    std::string all;
    while (all.size() < bytes) {
        const auto part = hear(at, bytes - all.size());
        if (part.empty() || part == "nothing came") break;
        all += part;
    }
    return all;
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

long say_what_fits(const descriptor& from, const std::string& bytes, std::size_t from_byte) {
    return ::send(from.fd(), bytes.data() + from_byte, bytes.size() - from_byte, MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::string take_what_is_there(const descriptor& at, std::size_t most) {
    std::string bytes(most, '\0');
    const auto n = ::recv(at.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
}

descriptor start_connecting(const ip_address& address) {
    descriptor d(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    (void)::connect(d.fd(), address.get(), address.size);
    return d;
}

descriptor next_client(const descriptor& door) {
    return descriptor(::accept4(door.fd(), nullptr, nullptr, SOCK_CLOEXEC));
}

// TCP moves a little more once a timer of its own has fired, and finds room for what is stuck.
stream_pair local_pair() {
    int ends[2] = {-1, -1};
    (void)::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
    return {descriptor(ends[0]), descriptor(ends[1])};
}

void fill(const descriptor& stream) {
    const std::string much(1 << 20, 'm');
    while (say_what_fits(stream, much) > 0) continue;
}

void set_send_buffer(const descriptor& d, int bytes) {
    ::setsockopt(d.fd(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

void end_both_ways(const descriptor& d) { ::shutdown(d.fd(), SHUT_RDWR); }

bool becomes_readable(int fd, std::chrono::milliseconds limit) {
    pollfd waited{fd, POLLIN, 0};
    return ::poll(&waited, 1, static_cast<int>(limit.count())) == 1;
}

void close_number(int fd) { ::close(fd); }

bool is_kept_from_children(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

bool is_non_blocking(const descriptor& unread_stream) {
    return (::fcntl(unread_stream.fd(), F_GETFL) & O_NONBLOCK) != 0;
}

std::map<std::string, int> facts_of(int fd) {
    std::map<std::string, int> facts{{"status", ::fcntl(fd, F_GETFL) & ~O_NONBLOCK}, {"fd", ::fcntl(fd, F_GETFD)}};
    for (const int option :
         {SO_REUSEADDR, SO_REUSEPORT, SO_RCVBUF, SO_SNDBUF, SO_KEEPALIVE, SO_OOBINLINE, SO_ERROR}) {
        int value = 0;
        socklen_t size = sizeof(value);
        ::getsockopt(fd, SOL_SOCKET, option, &value, &size);
        facts["option " + std::to_string(option)] = value;
    }
    int no_delay = 0;
    socklen_t size = sizeof(no_delay);
    ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
    facts["no delay"] = no_delay;
    return facts;
}

int threads_of_this_process() {
    const std::filesystem::directory_iterator all("/proc/self/task");
    return static_cast<int>(std::distance(begin(all), end(all)));
}

no_sockets::no_sockets() {
    int pipe_ends[2] = {-1, -1};
    (void)::pipe(pipe_ends);
    open = {pipe_ends[0], pipe_ends[1], ::open("/proc/self/status", O_RDONLY | O_CLOEXEC)};
    const int once = ::dup(open.back());
    ::close(once);
    nothing = {once, -1};
}

no_sockets::~no_sockets() {
    for (const int fd : open) ::close(fd);
}

namespace lacks {
const char* const refused_datagrams = nullptr;
}

namespace number {
const int connection_reset = ECONNRESET, connection_refused = ECONNREFUSED, ended = EPIPE, message_size = EMSGSIZE,
          is_connected = EISCONN, invalid = EINVAL, not_supported = EOPNOTSUPP, not_a_socket = ENOTSOCK,
          bad_descriptor = EBADF;
const int receive_unconnected = ENOTCONN, send_unconnected = EPIPE;
const int datagram_refused = ECONNREFUSED;
}  // namespace number

}  // namespace backend_suite
