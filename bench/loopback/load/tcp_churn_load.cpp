// See tcp_churn_load.hpp.
#include "loopback/load/tcp_churn_load.hpp"

namespace berth::bench {

tcp_churn_load::tcp_churn_load(const scenario& s, std::uint16_t port, nanoseconds patience)
    : patience_(patience), port_(port), message_(s.size, 'b'), answer_(s.size + 1), visits_(s.connections) {}

load_outcome tcp_churn_load::run(nanoseconds duration, recorder& latency) {
    load_outcome outcome;
    const nanoseconds start = now();
    std::size_t under_way = visits_.size();
    for (std::uint32_t i = 0; i < visits_.size(); ++i) begin(i);
    while (under_way > 0) {
        const bool heard = events_.wait(patience_, [&](std::uint32_t index) {
            visit& v = visits_[index];
            if (v.missing == 0) return;
            const ssize_t n = ::recv(v.socket.fd(), answer_.data(), answer_.size(), MSG_DONTWAIT);
            if (n < 0 && errno == EAGAIN) return;
            if (n <= 0 || static_cast<std::size_t>(n) > v.missing) throw server_silent("it closed a connection");
            v.missing -= static_cast<std::size_t>(n);
            if (v.missing > 0) return;
            const nanoseconds at = now();
            latency.record(at - v.began);
            ++outcome.done;
            v.socket.close();
            if (at - start < duration)
                begin(index);
            else
                --under_way;
        });
        if (!heard) throw server_silent("it stopped answering");
    }
    return outcome;
}

void tcp_churn_load::begin(std::uint32_t index) {
    visit& v = visits_[index];
    v.began = now();
    v.missing = message_.size();
    v.socket = connect_to(port_, SOCK_STREAM);
    if (::send(v.socket.fd(), message_.data(), message_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(message_.size()))
        throw server_silent("it took no message");
    events_.add(v.socket, index, EPOLLIN | EPOLLET);
}

}  // namespace berth::bench
