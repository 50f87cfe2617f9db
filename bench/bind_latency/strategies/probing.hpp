// What the probing strategies share: one socket, with which ports of the range are tried until a bind succeeds.
//
// The socket is made once and kept over the tries: a failed bind leaves it as it was. Which ports are tried, in which
// order and how often is what the strategies differ in.
#pragma once

#include "bind_latency/strategies/bare_socket.hpp"

#include <memory>

namespace berth::bench {

/// True once one of its binds succeeded. `draw` is the thread's own.
using port_probe = bool (*)(bare_socket& socket, port_block range, xorshift& draw) noexcept;

template <port_probe probe>
class probing : public strategy {
public:
    void prepare(const scene& s) override {
        transport_ = s.transport;
        range_ = s.range;
    }
    std::unique_ptr<seat> sit(unsigned thread) override {
        return std::make_unique<place>(transport_, range_, thread);
    }

private:
    class place : public timed_seat<place> {
    public:
        place(protocol p, port_block range, unsigned thread) noexcept : socket_(p), range_(range), draw_(thread) {}
        bool take() noexcept { return socket_.usable_or_closed(socket_.open() && probe(socket_, range_, draw_)); }
        void give_back() noexcept { socket_.close(); }

    private:
        bare_socket socket_;
        port_block range_;
        xorshift draw_;
    };

    protocol transport_ = protocol::udp;
    port_block range_{};
};

}  // namespace berth::bench
