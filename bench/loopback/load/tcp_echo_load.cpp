// See tcp_echo_load.hpp.
#include "loopback/load/tcp_echo_load.hpp"

namespace berth::bench {

tcp_echo_load::tcp_echo_load(const scenario& s, std::uint16_t port, nanoseconds patience)
    : patience_(patience), message_(s.size, 'b'), answer_(s.size + 1), connections_(s.connections) {
    for (std::uint32_t i = 0; i < s.connections; ++i) {
        connections_[i].socket = connect_to(port, SOCK_STREAM);
        set_patience(connections_[i].socket, patience);
        events_.add(connections_[i].socket, i, EPOLLIN | EPOLLET);
    }
}

load_outcome tcp_echo_load::run(nanoseconds duration, recorder& latency) {
    load_outcome outcome;
    const nanoseconds start = now();
    std::size_t under_way = connections_.size();
    for (connection& c : connections_) send(c, now());
    while (under_way > 0) {
        const bool heard = events_.wait(patience_, [&](std::uint32_t index) {
            connection& c = connections_[index];
            if (c.missing == 0 || !receive(c)) return;
            const nanoseconds at = now();
            latency.record(at - c.sent);
            ++outcome.done;
            if (at - start < duration)
                send(c, at);
            else
                --under_way;
        });
        if (!heard) throw server_silent("it stopped answering");
    }
    return outcome;
}

void tcp_echo_load::send(connection& c, nanoseconds at) {
    c.sent = at;
    c.missing = message_.size();
    for (std::size_t done = 0; done < message_.size();) {
        const ssize_t n = ::send(c.socket.fd(), message_.data() + done, message_.size() - done, MSG_NOSIGNAL);
        if (n <= 0) throw server_silent(std::string("it took no more: ") + std::strerror(errno));
        done += static_cast<std::size_t>(n);
    }
}

bool tcp_echo_load::receive(connection& c) {
    const ssize_t n = ::recv(c.socket.fd(), answer_.data(), answer_.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0) throw server_silent("it closed a connection");
    if (static_cast<std::size_t>(n) > c.missing) throw server_silent("it sent more than it was sent");
    c.missing -= static_cast<std::size_t>(n);
    return c.missing == 0;
}

}  // namespace berth::bench
