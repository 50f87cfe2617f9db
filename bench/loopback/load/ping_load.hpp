// One connection, one message under way. The client has a core of its own and asks again and again for the echo: so the
// only one who has to be woken is the server.
#pragma once

#include "loopback/load/client_socket.hpp"

#include <cerrno>
#include <vector>

namespace berth::bench {

class ping_load : public load {
public:
    ping_load(const scenario& s, std::uint16_t port, nanoseconds patience)
        : socket_(connect_to(port, SOCK_STREAM)), message_(s.size, 'b'), answer_(s.size), patience_(patience) {}
    load_outcome run(nanoseconds duration, recorder& latency) override {
        load_outcome outcome;
        const nanoseconds start = now();
        for (nanoseconds before = start; before - start < duration; ++outcome.done) {
            const auto size = static_cast<ssize_t>(message_.size());
            if (::send(socket_.fd(), message_.data(), message_.size(), MSG_NOSIGNAL) != size)
                throw server_silent("it takes nothing any more");
            const nanoseconds after = receive_all(before);
            latency.record(after - before);
            before = after;
        }
        return outcome;
    }

private:
    /// When the whole answer was there.
    nanoseconds receive_all(nanoseconds asked) {
        for (std::size_t got = 0;;) {
            const ssize_t size = ::recv(socket_.fd(), answer_.data() + got, answer_.size() - got, MSG_DONTWAIT);
            const nanoseconds at = now();
            if (size > 0) got += static_cast<std::size_t>(size);
            if (got == answer_.size()) return at;
            const bool is_over = size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
            if (is_over || at - asked > patience_) throw server_silent("it stopped answering");
        }
    }

    client_socket socket_;
    std::vector<char> message_, answer_;
    nanoseconds patience_;
};

}  // namespace berth::bench
