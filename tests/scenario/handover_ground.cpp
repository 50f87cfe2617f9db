// Forks, words between them, and looks at ports by plain calls; see handover_ground.hpp.
#include "scenario/handover_ground.hpp"

#include "handover/wire.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asio/io_context.hpp>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace berth::test {
namespace {

constexpr int patience = 60'000;  // milliseconds

int die_at = 0, steps = 0;

// What comes after complete() is the successor's own life.
void count_step(const char* step) {
    if (std::strcmp(step, "completed") != 0 && ++steps == die_at) ::kill(::getpid(), SIGKILL);
}

sockaddr_in6 loopback(std::uint16_t port) {
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6;
    a.sin6_addr = in6addr_loopback;
    a.sin6_port = htons(port);
    return a;
}

bool readable(int fd, int milliseconds) {
    pollfd p{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&p, 1, milliseconds) == 1;
}

}  // namespace

word_channel::~word_channel() { ::close(fd_); }

void word_channel::say(const std::string& word) const {
    if (::send(fd_, word.data(), word.size(), MSG_NOSIGNAL) < 0 && errno != EPIPE) std::abort();
}

std::string word_channel::hear(int milliseconds) const {
    char text[512];
    if (!readable(fd_, milliseconds)) return {};
    const auto size = ::recv(fd_, text, sizeof text, 0);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

other_process::other_process(const std::function<void(const word_channel&)>& body) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) std::abort();
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(0);
        ::close(pair[0]);
        const word_channel channel(pair[1]);
        body(channel);
        ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    ::close(pair[1]);
    channel_.emplace(pair[0]);
}

other_process::~other_process() {
    kill();
    wait();
}
void other_process::kill() const {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
}
int other_process::wait() {
    int status = -1;
    const int handle = pid_ > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)) : -1;
    pollfd ended{.fd = handle, .events = POLLIN, .revents = 0};
    if (handle >= 0 && ::poll(&ended, 1, patience) == 0) kill();
    if (handle >= 0) ::close(handle);
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
}

nursery::nursery(const std::function<void(int)>& child)
    : process_([child](const word_channel& orders) {
          for (std::string order; !(order = orders.hear(-1)).empty();) {
              other_process one([&](const word_channel&) { child(std::stoi(order)); });
              orders.say(std::to_string(one.wait()));
          }
      }) {}

void nursery::start(int order) const { process_.channel().say(std::to_string(order)); }

std::optional<int> nursery::ended(int milliseconds) const {
    const auto word = process_.channel().hear(milliseconds);
    return word.empty() ? std::nullopt : std::optional(std::stoi(word));
}

void die_at_step(int n) {
    die_at = n;
    steps = 0;
    detail::at_handover_step = count_step;
}

std::string fresh_address() {
    static int number = 0;
    return "@berth-test-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
}

void expect_shut(const port_block& block, transport protocol) {
    for (std::uint32_t i = 0; i < block.count; ++i) {
        for (const int option : {0, SO_REUSEADDR, SO_REUSEPORT}) {
            const int type = protocol == transport::udp ? SOCK_DGRAM : SOCK_STREAM;
            const int fd = ::socket(AF_INET6, type | SOCK_CLOEXEC, 0);
            const int one = 1;
            if (option != 0) ::setsockopt(fd, SOL_SOCKET, option, &one, sizeof one);
            auto a = loopback(static_cast<std::uint16_t>(block.first + i));
            a.sin6_addr = in6addr_any;
            EXPECT_NE(::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a), 0)
                << ntohs(a.sin6_port) << ' ' << option;
            ::close(fd);
        }
    }
}

void expect_free(const port_block& block, transport protocol) {
    const auto kind = protocol == transport::udp ? oracle_protocol::udp : oracle_protocol::tcp;
    std::vector<socket_seen> left;
    for (int i = 0; i < 200; ++i) {  // a process that was killed closes its sockets in a moment
        left.clear();
        for (const auto& s : sockets_on(kind, block.first, block.count)) {
            if (s.state != 6) left.push_back(s);
        }
        if (left.empty()) return;
        ::usleep(5'000);
    }
    for (const auto& s : left) ADD_FAILURE() << s;
}

void expect_whole(port_reservation& ports, transport protocol, std::uint32_t count) {
    std::vector<bound_port> all;
    error_code ec;
    for (std::uint32_t i = 0; i < count; ++i) {
        all.push_back(ports.take(protocol, ec));
        ASSERT_FALSE(ec) << ec.message() << " after " << i << " of " << count;
    }
    ports.take(protocol, ec);
    EXPECT_EQ(ec, errc::block_exhausted);
}

void expect_accepts(native_handle_type listener, std::uint16_t port) {
    const int client = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto to = loopback(port);
    ASSERT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0) << std::strerror(errno);
    ASSERT_TRUE(readable(listener, 2'000));
    const int server = ::accept(listener, nullptr, nullptr);
    ASSERT_GE(server, 0);
    EXPECT_EQ(::send(server, "x", 1, 0), 1);
    char byte = 0;
    EXPECT_TRUE(readable(client, 2'000) && ::recv(client, &byte, 1, 0) == 1);
    const linger reset{1, 0};
    ::setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    ::close(client);
    ::close(server);
}

void expect_hears(native_handle_type udp, std::uint16_t port) {
    const int client = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto to = loopback(port);
    ASSERT_EQ(::sendto(client, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to), 1);
    char byte = 0;
    EXPECT_TRUE(readable(udp, 2'000) && ::recv(udp, &byte, 1, 0) == 1);
    ::close(client);
}

reservation_request udp_block(std::uint32_t count) {
    reservation_request request;
    request.block = {0, count};
    return request;
}

void hand_over(handover_offer& offer) {
    asio::io_context context;
    offer.async_hand_over(context, [](error_code ec) { EXPECT_FALSE(ec) << ec.message(); });
    context.run();
}

void hand_over(const port_reservation& ports, const std::string& address, const word_channel& words,
               const bound_port* room) {
    handover_offer offer(address);
    failure f;
    offer.add(ports, "ports", f);
    if (room != nullptr) offer.serve(ports, transport::udp, room->port(), "room", f);
    EXPECT_FALSE(f) << f.what;
    words.say("ready");
    hand_over(offer);
}

}  // namespace berth::test
