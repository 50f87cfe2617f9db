// See filler_child.hpp.
#include "bind_latency/filler_child.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace berth::bench {

bool send_all(int channel, const void* data, std::size_t size) noexcept {
    const auto* at = static_cast<const char*>(data);
    while (size > 0) {
        const ssize_t n = send(channel, at, size, MSG_NOSIGNAL);
        if (n <= 0) return false;
        at += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

bool receive_all(int channel, void* data, std::size_t size) noexcept {
    auto* at = static_cast<char*>(data);
    while (size > 0) {
        const ssize_t n = recv(channel, at, size, 0);
        if (n <= 0) return false;
        at += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

namespace {

// Returns the port that the new socket has, or -errno.
int occupy(const filler_order& order, std::uint16_t port, std::vector<int>& held) {
    const int type = order.transport == protocol::tcp ? SOCK_STREAM : SOCK_DGRAM;
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    socklen_t size = sizeof address;
    int done = 0;
    if (order.verb == connect_any) {
        address.sin_port = htons(order.listener);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        done = connect(fd, reinterpret_cast<const sockaddr*>(&address), size);
        linger abort{1, 0};  // no TIME_WAIT when it is let go
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    } else {
        address.sin_port = htons(port);
        done = bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
    }
    if (done == 0) done = getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    if (done != 0) {
        const int why = errno;
        close(fd);
        return -why;
    }
    held.push_back(fd);
    return ntohs(address.sin_port);
}

}  // namespace

void run_filler_child(int channel) noexcept {
    std::vector<int> held;
    filler_order order;
    while (receive_all(channel, &order, sizeof order)) {
        std::vector<std::uint16_t> wanted(order.verb == bind_listed ? order.count : 0);
        if (!receive_all(channel, wanted.data(), wanted.size() * sizeof(std::uint16_t))) break;
        filler_answer answer;
        std::vector<std::uint16_t> got;
        if (order.verb == let_go) {
            for (const int fd : held) close(fd);
            held.clear();
        } else {
            for (std::uint32_t i = 0; i < order.count; ++i) {
                const int port = occupy(order, wanted.empty() ? std::uint16_t{0} : wanted[i], held);
                if (port < 0) {
                    answer.error = -port;
                    break;
                }
                got.push_back(static_cast<std::uint16_t>(port));
            }
        }
        answer.count = static_cast<std::uint32_t>(got.size());
        if (!send_all(channel, &answer, sizeof answer) ||
            !send_all(channel, got.data(), got.size() * sizeof(std::uint16_t)))
            break;
    }
    _exit(0);
}

}  // namespace berth::bench
