// One connection, one message under way; the client sleeps in recv() until the echo is there.
#pragma once

#include "loopback/load/client_socket.hpp"

#include <vector>

namespace berth::bench {

class ping_load : public load {
public:
    ping_load(const scenario& s, std::uint16_t port, nanoseconds patience)
        : socket_(connect_to(port, SOCK_STREAM)), message_(s.size, 'b'), answer_(s.size) {
        set_patience(socket_, patience);
    }
    load_outcome run(nanoseconds duration, recorder& latency) override {
        load_outcome outcome;
        const nanoseconds start = now();
        for (nanoseconds before = start; before - start < duration; ++outcome.done) {
            const auto size = static_cast<ssize_t>(message_.size());
            if (::send(socket_.fd(), message_.data(), message_.size(), MSG_NOSIGNAL) != size ||
                ::recv(socket_.fd(), answer_.data(), answer_.size(), MSG_WAITALL) != size)
                throw server_silent("it stopped answering");
            const nanoseconds after = now();
            latency.record(after - before);
            before = after;
        }
        return outcome;
    }

private:
    client_socket socket_;
    std::vector<char> message_, answer_;
};

}  // namespace berth::bench
