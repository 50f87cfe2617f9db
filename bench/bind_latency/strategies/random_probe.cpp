// Random probing as TURN and WebRTC stacks do it: draw a port, try to bind it, ten times at most, then give up.
//
// The socket is made once and kept over the tries: a failed bind leaves it as it was. Attempts that give up are in
// the percentiles, and are counted as failures.
#include "bind_latency/strategies/all.hpp"
#include "bind_latency/strategies/bare_socket.hpp"

namespace berth::bench {
namespace {

constexpr int most_tries = 10;

class place : public timed_seat<place> {
public:
    place(protocol p, port_block range, unsigned thread) noexcept : socket_(p), range_(range), draw_(thread) {}
    bool take() noexcept {
        bool bound = false;
        if (socket_.open())
            for (int tries = 0; !bound && tries < most_tries; ++tries)
                bound = socket_.bind(static_cast<std::uint16_t>(range_.first + draw_.below(range_.count)));
        return socket_.usable_or_closed(bound);
    }
    void give_back() noexcept { socket_.close(); }

private:
    bare_socket socket_;
    port_block range_;
    xorshift draw_;
};

class random_probe : public strategy {
public:
    void prepare(const scene& s) override {
        transport_ = s.transport;
        range_ = s.range;
    }
    std::unique_ptr<seat> sit(unsigned thread) override {
        return std::make_unique<place>(transport_, range_, thread);
    }

private:
    protocol transport_ = protocol::udp;
    port_block range_{};
};

}  // namespace

strategy_entry random_probe_entry() {
    return {"random_probe", "random probing, 10 tries", "socket + up to 10 binds to random ports + listen",
            approach::program, make_strategy<random_probe>};
}

}  // namespace berth::bench
