// The kernel as somebody without berth sees it: plain sockets, a port asked for by number, another process.
//
// Invariant: nothing here calls berth, so what these say about a port is the kernel's word, not the library's. A
// child process reports by a sentence: empty means that all it saw was as it should be.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace documents {

/// A socket made by the kernel alone; closed with its owner. -1 if the system refuses such a socket.
class plain_socket {
public:
    plain_socket(int family, int type, int protocol = 0);
    explicit plain_socket(int fd) noexcept : fd_(fd) {}
    plain_socket(plain_socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    plain_socket& operator=(plain_socket&&) = delete;
    ~plain_socket() { close(); }

    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] std::uint16_t port() const;    // by getsockname; 0: unbound
    [[nodiscard]] std::string describe() const;  // family, type, protocol
    void close() noexcept;
    void forget() noexcept { fd_ = -1; }  // somebody else closed it

private:
    int fd_;
};

/// Every kind of socket this process may make that is neither TCP nor UDP, raw and ICMP among them where permitted.
std::vector<plain_socket> neither_tcp_nor_udp();

inline plain_socket tcp4() { return {AF_INET, SOCK_STREAM}; }
inline plain_socket udp4() { return {AF_INET, SOCK_DGRAM}; }
inline plain_socket tcp6() { return {AF_INET6, SOCK_STREAM}; }
inline plain_socket udp6() { return {AF_INET6, SOCK_DGRAM}; }

/// bind(2) on all addresses of the socket's family; 0 or errno.
int bind_plainly(const plain_socket& socket, std::uint16_t port);

/// 0 if a fresh socket could bind the port just now, in IPv4 and in IPv6, else errno. Binds nothing for longer.
int try_port(int type, std::uint16_t port);

/// True if try_port succeeds for every port of [first, first + count).
bool all_free(int type, std::uint16_t first, std::uint32_t count);
/// all_free, given three seconds: Linux tells nobody that a socket was closed, so somebody has to look.
bool becomes_free(int type, std::uint16_t first, std::uint32_t count);
/// True if try_port meets EADDRINUSE for every port of [first, first + count).
bool all_held(int type, std::uint16_t first, std::uint32_t count);

/// connect(2) to the port over loopback; 0 or errno.
int connect_to(int socket, int family, std::uint16_t port);

/// One datagram, or one connection with one byte, over loopback from a plain socket to `receiver` and read there.
bool datagram_arrives(int receiver, int family, std::uint16_t port);
bool client_is_served(int listener, int family, std::uint16_t port);

/// Runs `body` in a forked child and returns its sentence; "the child died" if it had none to give.
std::string in_child(const std::function<std::string()>& body);

/// A process forked now that waits for one number and then runs `body` with it: it shares nothing made later.
class earlier_process {
public:
    explicit earlier_process(const std::function<std::string(std::uint64_t)>& body);
    earlier_process(const earlier_process&) = delete;
    earlier_process& operator=(const earlier_process&) = delete;
    ~earlier_process();
    std::string tell(std::uint64_t number);  // once; its sentence

private:
    int child_;
    int to_;
    int from_;
};

}  // namespace documents
