// A process of threads over plain blocking sockets; see handover_clients.hpp.
#include "stress/handover_clients.hpp"

#include "scenario/handover_ground.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <thread>

namespace berth::test {
namespace {

constexpr int patience = 2'000;  // milliseconds
constexpr int tcp_clients = 4;
constexpr std::uint64_t window = 8;  // datagrams under way

std::atomic<bool> over{false};
std::atomic<std::uint64_t> connections{0}, refused{0}, cut{0}, silent{0}, datagrams{0}, unanswered{0}, bounced{0};

bool readable(int fd) {
    pollfd p{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&p, 1, patience) == 1;
}

sockaddr_in6 loopback(std::uint16_t port) {
    sockaddr_in6 a{};
    a.sin6_family = AF_INET6;
    a.sin6_addr = in6addr_loopback;
    a.sin6_port = htons(port);
    return a;
}

// A reset at the end, once the echo is there: no TIME_WAIT uses up this machine's ports.
void connect_once(const sockaddr_in6& to) {
    const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const linger reset{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    char text[] = "hand over!", heard[sizeof text];
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        ++refused;
    } else if (::send(fd, text, sizeof text, MSG_NOSIGNAL) != sizeof text) {
        ++cut;
    } else if (!readable(fd)) {
        ++silent;
    } else if (::recv(fd, heard, sizeof heard, MSG_WAITALL) != sizeof heard) {
        ++cut;
    } else {
        ++connections;
    }
    ::close(fd);
}

void connect_again_and_again(std::uint16_t port) {
    for (const auto to = loopback(port); !over;) connect_once(to);
}

// Eight numbers are under way, and each has to come back before the next eight.
void ask_again_and_again(std::uint16_t port) {
    const int fd = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto to = loopback(port);
    ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    for (std::uint64_t next = 0; !over; next += window) {
        std::array<bool, window> came{};
        std::size_t missing = window;
        for (std::uint64_t i = next; i < next + window; ++i) {
            if (::send(fd, &i, sizeof i, 0) != sizeof i) ++bounced;
        }
        while (missing != 0 && readable(fd)) {
            std::uint64_t number = 0;
            const auto size = ::recv(fd, &number, sizeof number, 0);
            if (size < 0) ++bounced;
            if (size != sizeof number || number - next >= window || came[number - next]) continue;
            came[number - next] = true;
            --missing;
        }
        datagrams += window - missing;
        unanswered += missing;
    }
    ::close(fd);
}

void run(const word_channel& orders) {
    std::istringstream ports(orders.hear(-1));
    std::uint16_t port = 0;
    ports >> port;
    std::vector<std::thread> all;
    for (int i = 0; i < tcp_clients; ++i) all.emplace_back(connect_again_and_again, port);
    while (ports >> port) all.emplace_back(ask_again_and_again, port);
    static_cast<void>(orders.hear(-1));
    over = true;
    for (auto& one : all) one.join();
    std::ostringstream out;
    out << connections << ' ' << refused << ' ' << cut << ' ' << silent << ' ' << datagrams << ' ' << unanswered
        << ' ' << bounced;
    orders.say(out.str());
}

}  // namespace

struct handover_clients::parts {
    other_process process{run};
};

handover_clients::handover_clients() : parts_(std::make_unique<parts>()) {}
handover_clients::~handover_clients() = default;

void handover_clients::begin(std::uint16_t tcp, const std::vector<std::uint16_t>& udp) {
    std::string words = std::to_string(tcp);
    for (const auto port : udp) words += ' ' + std::to_string(port);
    parts_->process.channel().say(words);
}

client_tallies handover_clients::stop() {
    parts_->process.channel().say("stop");
    std::istringstream in(parts_->process.channel().hear());
    client_tallies t;
    in >> t.connections >> t.refused >> t.cut >> t.silent >> t.datagrams >> t.unanswered >> t.bounced;
    EXPECT_TRUE(in) << "the clients did not end as they should";
    return t;
}

}  // namespace berth::test
