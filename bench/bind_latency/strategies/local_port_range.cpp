// IP_LOCAL_PORT_RANGE: bind(0) narrowed, per socket, to a quarter of the range; the quarter with most free ports.
#include "bind_latency/strategies/all.hpp"
#include "bind_latency/strategies/bare_socket.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

namespace berth::bench {
namespace {

class place : public timed_seat<place> {
public:
    place(protocol p, port_block block) noexcept
        : socket_(p), bounds_(static_cast<int>((std::uint32_t{block.first} + block.count - 1) << 16 | block.first)) {}
    bool take() noexcept {
        return socket_.usable_or_closed(socket_.open() &&
                                        raw::set_option(socket_.fd(), IPPROTO_IP, IP_LOCAL_PORT_RANGE, bounds_) &&
                                        socket_.bind(0));
    }
    void give_back() noexcept { socket_.close(); }

private:
    bare_socket socket_;
    int bounds_;
};

class local_port_range : public strategy {
public:
    void prepare(const scene& s) override {
        transport_ = s.transport;
        std::array<std::uint32_t, 4> free{};
        const std::uint32_t quarter = s.range.count / 4;
        for (const std::uint16_t port : s.free_ports) ++free[std::min(3u, (port - s.range.first) / quarter)];
        const auto best = static_cast<std::uint32_t>(std::max_element(free.begin(), free.end()) - free.begin());
        if (free[best] < s.threads) throw std::runtime_error("no quarter of the range has a free port per thread");
        block_ = {static_cast<std::uint16_t>(s.range.first + best * quarter), quarter};
    }
    std::unique_ptr<seat> sit(unsigned) override { return std::make_unique<place>(transport_, block_); }

private:
    protocol transport_ = protocol::udp;
    port_block block_{};
};

}  // namespace

strategy_entry local_port_range_entry() {
    return {"local_port_range", "kernel: IP_LOCAL_PORT_RANGE", "socket + setsockopt + bind to port 0 + listen",
            approach::kernel, make_strategy<local_port_range>};
}

}  // namespace berth::bench
