// Linear probing: start anywhere in the range and try one port after the other, once round.
#include "bind_latency/strategies/all.hpp"
#include "bind_latency/strategies/bare_socket.hpp"

namespace berth::bench {
namespace {

class place : public timed_seat<place> {
public:
    place(protocol p, port_block range, unsigned thread) noexcept : socket_(p), range_(range), draw_(thread) {}
    bool take() noexcept {
        bool bound = false;
        if (socket_.open()) {
            std::uint32_t offset = draw_.below(range_.count);
            for (std::uint32_t tries = 0; !bound && tries < range_.count; ++tries) {
                bound = socket_.bind(static_cast<std::uint16_t>(range_.first + offset));
                if (++offset == range_.count) offset = 0;
            }
        }
        return socket_.usable_or_closed(bound);
    }
    void give_back() noexcept { socket_.close(); }

private:
    bare_socket socket_;
    port_block range_;
    xorshift draw_;
};

class linear_probe : public strategy {
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

strategy_entry linear_probe_entry() {
    return {"linear_probe", "linear probing", "socket + binds to one port after the other + listen",
            approach::program, make_strategy<linear_probe>};
}

}  // namespace berth::bench
