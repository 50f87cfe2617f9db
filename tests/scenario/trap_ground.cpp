// See trap_ground.hpp.
#include "scenario/trap_ground.hpp"

#include <fcntl.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

namespace traps {

berth::reservation_request by_parking::ask(transport protocol, address_family family, tcp_use use,
                                           std::uint32_t count) {
    berth::reservation_request request;
    request.block.count = count;
    request.protocol = protocol;
    request.family = family;
    request.use = use;
    request.park = GetParam();
    return request;
}

bound_port take(port_reservation& reservation) {
    error_code ec;
    auto port = reservation.take(ec);
    EXPECT_FALSE(ec) << ec.message();
    return port;
}

void give_back(bound_port& port) {
    error_code ec;
    port.give_back(ec);
    EXPECT_FALSE(ec) << ec.message();
}

std::vector<int> speakers(address_family family) {
    if (family == address_family::ipv4) return {AF_INET};
    if (family == address_family::ipv6) return {AF_INET6};
    return {AF_INET6, AF_INET};
}

socket_name loopback_for(address_family session, int family, std::uint16_t port, std::uint32_t v4) {
    socket_name out;
    if (session == address_family::ipv4) {
        sockaddr_in a = loopback4(port);
        a.sin_addr.s_addr = htonl(v4);
        std::memcpy(&out.storage, &a, out.size = sizeof a);
        return out;
    }
    sockaddr_in6 a = loopback6(port);
    if (family == AF_INET) {
        const std::uint32_t last = htonl(v4);
        std::memset(&a.sin6_addr, 0, 10);
        std::memset(a.sin6_addr.s6_addr + 10, 0xff, 2);
        std::memcpy(a.sin6_addr.s6_addr + 12, &last, 4);
    }
    std::memcpy(&out.storage, &a, out.size = sizeof a);
    return out;
}

void say(int family, std::uint16_t port, const std::string& text) {
    const descriptor fd = make_socket(family, SOCK_DGRAM);
    const auto to = loopback_for(family == AF_INET ? address_family::ipv4 : address_family::ipv6, family, port);
    EXPECT_EQ(::sendto(fd, text.data(), text.size(), 0, to.get(), to.size), static_cast<ssize_t>(text.size()));
}

std::string next_datagram(int fd, int milliseconds) {
    becomes(fd, POLLIN, milliseconds);
    char text[64];
    const auto n = ::recv(fd, text, sizeof text, MSG_DONTWAIT);
    if (n >= 0) return {text, static_cast<std::size_t>(n)};
    return errno == EAGAIN ? "nothing" : "error " + std::to_string(errno);
}

std::string hears(int fd, int family, std::uint16_t port) {
    say(family, port, "hello");
    const auto heard = next_datagram(fd, 2000);
    return heard == "hello" ? "" : "IPv" + std::string(family == AF_INET ? "4" : "6") + ": heard " + heard;
}

std::string serves(int listener, int family, std::uint16_t port) {
    const descriptor caller = client(family, port);
    if (!becomes(caller, POLLOUT, 2000) || pending_error(caller) != 0) return "the client was not let in";
    if (::send(caller, "?", 1, MSG_NOSIGNAL) != 1) return "the client could not speak";
    if (!becomes(listener, POLLIN, 2000)) return "the listener heard of no client";
    const descriptor served(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (served < 0) return "accept: error " + std::to_string(errno);
    const auto heard = next_datagram(served, 2000);
    return heard == "?" ? "" : "the client served is another: " + heard;
}

int connect_within(int fd, const socket_name& to, int milliseconds) {
    if (::connect(fd, to.get(), to.size) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    return becomes(fd, POLLOUT, milliseconds) ? pending_error(fd) : ETIMEDOUT;
}

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0) << level << '/' << name;
    return value;
}

int pending_error(int fd) { return option(fd, SOL_SOCKET, SO_ERROR); }

bool is_set_nonblocking(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

int try_bind(int family, int type, std::uint16_t port, bool reuse_address) {
    const descriptor fd = make_socket(family, type, family == AF_INET6);
    if (reuse_address) set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    sockaddr_in6 all{};
    all.sin6_family = static_cast<sa_family_t>(family), all.sin6_port = htons(port);
    return ::bind(fd, name(all), family == AF_INET ? sizeof(sockaddr_in) : sizeof all) == 0 ? 0 : errno;
}

doomed_process::doomed_process(const std::function<std::uint16_t(int)>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
        ::close(ends[0]);
        report(ends[1], body(ends[1]));
        for (;;) ::pause();
    }
    ::close(ends[1]);
    from_ = ends[0];
}

std::uint16_t doomed_process::hear() {
    std::uint16_t number = 0;
    return ::read(from_, &number, sizeof number) == sizeof number ? number : std::uint16_t{0};
}

void doomed_process::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    ::close(from_);
    pid_ = -1;
}

void report(int to, std::uint16_t number) {
    EXPECT_EQ(::write(to, &number, sizeof number), static_cast<ssize_t>(sizeof number));
}

}  // namespace traps
