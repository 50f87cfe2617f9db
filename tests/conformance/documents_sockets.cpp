// The system calls behind documents_sockets.hpp. Children leave by _exit: they run no destructor of the parent's.
#include "documents_sockets.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

namespace documents {
namespace {

struct any_address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

any_address make_address(int family, std::uint16_t port, bool loopback) {
    any_address made;
    made.storage.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(made.storage);
        v4.sin_port = htons(port);
        v4.sin_addr.s_addr = htonl(loopback ? INADDR_LOOPBACK : INADDR_ANY);
        made.size = sizeof v4;
    } else {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(made.storage);
        v6.sin6_port = htons(port);
        v6.sin6_addr = loopback ? in6addr_loopback : in6addr_any;
        made.size = sizeof v6;
    }
    return made;
}

int option(int fd, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    ::getsockopt(fd, SOL_SOCKET, name, &value, &size);
    return value;
}

bool readable(int fd) {
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, 5000) == 1;
}

void say(int to, const std::string& sentence) {
    const std::string line = sentence + '\n';
    [[maybe_unused]] const auto written = ::write(to, line.data(), line.size());
}

std::string hear(int from, int child) {
    std::string said;
    char piece[256];
    for (ssize_t n; (n = ::read(from, piece, sizeof piece)) != 0;) {
        if (n > 0) said.append(piece, static_cast<std::size_t>(n));
        if (n < 0 && errno != EINTR) break;
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (said.empty() || said.back() != '\n') return "the child died, wait status " + std::to_string(status);
    said.pop_back();
    return said;
}

}  // namespace

plain_socket::plain_socket(int family, int type, int protocol)
    : fd_(::socket(family, type | SOCK_CLOEXEC, protocol)) {}

void plain_socket::close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::uint16_t plain_socket::port() const {
    any_address name;
    name.size = sizeof name.storage;
    if (::getsockname(fd_, name.get(), &name.size) != 0) return 0;
    return name.storage.ss_family == AF_INET ? ntohs(reinterpret_cast<sockaddr_in&>(name.storage).sin_port)
                                             : ntohs(reinterpret_cast<sockaddr_in6&>(name.storage).sin6_port);
}

std::string plain_socket::describe() const {
    return "family " + std::to_string(option(fd_, SO_DOMAIN)) + ", type " + std::to_string(option(fd_, SO_TYPE)) +
           ", protocol " + std::to_string(option(fd_, SO_PROTOCOL));
}

std::vector<plain_socket> neither_tcp_nor_udp() {
    constexpr int kinds[][3] = {
        {AF_UNIX, SOCK_STREAM, 0},
        {AF_UNIX, SOCK_DGRAM, 0},
        {AF_NETLINK, SOCK_RAW, 0},
        {AF_INET, SOCK_STREAM, IPPROTO_MPTCP},
        {AF_INET, SOCK_STREAM, IPPROTO_SCTP},
        {AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
        {AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE},
        {AF_INET, SOCK_RAW, IPPROTO_UDP},
        {AF_INET, SOCK_RAW, IPPROTO_TCP},
        {AF_INET6, SOCK_RAW, IPPROTO_UDP},
    };
    std::vector<plain_socket> made;
    for (const auto& [family, type, protocol] : kinds) {
        plain_socket socket(family, type, protocol);
        if (socket.fd() >= 0) made.push_back(std::move(socket));
    }
    return made;
}

int bind_plainly(const plain_socket& socket, std::uint16_t port) {
    auto address = make_address(option(socket.fd(), SO_DOMAIN), port, false);
    return ::bind(socket.fd(), address.get(), address.size) == 0 ? 0 : errno;
}

int try_port(int type, std::uint16_t port) {
    for (const int family : {AF_INET, AF_INET6}) {
        const plain_socket intruder(family, type);
        if (const int error = bind_plainly(intruder, port)) return error;
    }
    return 0;
}

bool all_free(int type, std::uint16_t first, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i)
        if (try_port(type, static_cast<std::uint16_t>(first + i)) != 0) return false;
    return true;
}

bool all_held(int type, std::uint16_t first, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i)
        if (try_port(type, static_cast<std::uint16_t>(first + i)) != EADDRINUSE) return false;
    return true;
}

bool becomes_free(int type, std::uint16_t first, std::uint32_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    while (!all_free(type, first, count)) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

int connect_to(int socket, int family, std::uint16_t port) {
    auto to = make_address(family, port, true);
    return ::connect(socket, to.get(), to.size) == 0 ? 0 : errno;
}

bool datagram_arrives(int receiver, int family, std::uint16_t port) {
    const plain_socket sender(family, SOCK_DGRAM);
    auto to = make_address(family, port, true);
    if (::sendto(sender.fd(), "?", 1, 0, to.get(), to.size) != 1 || !readable(receiver)) return false;
    char heard = 0;
    return ::recv(receiver, &heard, 1, MSG_DONTWAIT) == 1 && heard == '?';
}

bool client_is_served(int listener, int family, std::uint16_t port) {
    plain_socket client(family, SOCK_STREAM);
    if (connect_to(client.fd(), family, port) != 0 || !readable(listener)) return false;
    const int served = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (served < 0) return false;
    char heard = 0;
    const bool arrived = ::send(client.fd(), "?", 1, MSG_NOSIGNAL) == 1 && readable(served) &&
                         ::recv(served, &heard, 1, MSG_DONTWAIT) == 1 && heard == '?';
    client.close();  // first, so that TIME_WAIT is the client's and the port under test can be asked for afterwards
    const bool ended = readable(served) && ::recv(served, &heard, 1, MSG_DONTWAIT) == 0;
    ::close(served);
    return arrived && ended;
}

std::string in_child(const std::function<std::string()>& body) {
    return earlier_process([&body](std::uint64_t) { return body(); }).tell(0);
}

earlier_process::earlier_process(const std::function<std::string(std::uint64_t)>& body)
    : child_(-1), to_(-1), from_(-1) {
    int down[2];
    int up[2];
    if (::pipe(down) != 0 || ::pipe(up) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
        ::close(down[1]);
        ::close(up[0]);
        ::alarm(20);  // a child that hangs is a failure, not a test run without an end
        std::uint64_t number = 0;
        if (::read(down[0], &number, sizeof number) == sizeof number) say(up[1], body(number));
        ::_exit(0);
    }
    ::close(down[0]);
    ::close(up[1]);
    to_ = down[1];
    from_ = up[0];
}

earlier_process::~earlier_process() {
    if (child_ > 0) tell(0);
}

std::string earlier_process::tell(std::uint64_t number) {
    if (child_ <= 0) return "no child could be made";
    [[maybe_unused]] const auto written = ::write(to_, &number, sizeof number);
    ::close(std::exchange(to_, -1));
    const std::string said = hear(from_, std::exchange(child_, -1));
    ::close(std::exchange(from_, -1));
    return said;
}

}  // namespace documents
