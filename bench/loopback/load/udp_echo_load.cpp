// See udp_echo_load.hpp.
#include "loopback/load/udp_echo_load.hpp"

#include <algorithm>
#include <utility>

namespace berth::bench {

udp_echo_load::udp_echo_load(const scenario& s, std::uint16_t port, nanoseconds patience)
    : patience_(patience),
      size_(std::max(s.size, sizeof(stamp))),
      window_(s.window),
      at_least_(s.bursts ? s.window : 1),
      memory_(size_ * window_),
      pieces_(window_),
      messages_(window_) {
    for (unsigned i = 0; i < window_; ++i) {
        pieces_[i] = {memory_.data() + i * size_, size_};
        messages_[i].msg_hdr.msg_iov = &pieces_[i];
        messages_[i].msg_hdr.msg_iovlen = 1;
    }
    for (std::uint32_t i = 0; i < s.connections; ++i) {
        clients_.push_back({connect_to(port, SOCK_DGRAM)});
        events_.add(clients_.back().socket, i, EPOLLIN);
    }
}

load_outcome udp_echo_load::run(nanoseconds duration, recorder& latency) {
    constexpr nanoseconds lost_after = 100'000'000;  // a server may have to wait for its core
    load_outcome outcome;
    ++slice_;
    const nanoseconds start = now();
    std::uint64_t under_way = 0;
    for (client& c : clients_) {
        c.returned = 0;
        under_way += send(c.socket, window_);
    }
    while (under_way > 0) {
        const bool heard = events_.wait(outcome.done == 0 ? patience_ : lost_after, [&](std::uint32_t index) {
            client& c = clients_[index];
            const int count = ::recvmmsg(c.socket.fd(), messages_.data(), window_, MSG_DONTWAIT, nullptr);
            if (count < 0 && errno != EAGAIN) throw server_silent(std::strerror(errno));
            const nanoseconds at = now();
            unsigned ours = 0;
            for (int i = 0; i < count; ++i) {
                stamp mark;
                std::memcpy(&mark, pieces_[static_cast<std::size_t>(i)].iov_base, sizeof mark);
                if (mark.slice != slice_) continue;  // thought lost in an earlier slice
                latency.record(at - mark.sent);
                ++ours;
            }
            outcome.done += ours;
            under_way -= ours;
            c.returned += ours;
            if (c.returned < at_least_ || at - start >= duration) return;
            under_way += send(c.socket, std::exchange(c.returned, 0));
        });
        if (!heard && outcome.done == 0) throw server_silent("it stopped answering");
        if (!heard) break;
    }
    outcome.lost = under_way;
    return outcome;
}

unsigned udp_echo_load::send(const client_socket& to, unsigned count) {
    const stamp mark{now(), slice_};
    for (unsigned i = 0; i < count; ++i) std::memcpy(pieces_[i].iov_base, &mark, sizeof mark);
    const int sent = ::sendmmsg(to.fd(), messages_.data(), count, 0);
    if (sent <= 0) throw server_silent(std::string("a datagram could not be sent: ") + std::strerror(errno));
    return static_cast<unsigned>(sent);
}

}  // namespace berth::bench
