// The kernel's own way, and the yardstick: bind to port 0.
#include "bind_latency/strategies/all.hpp"
#include "bind_latency/strategies/bare_socket.hpp"

namespace berth::bench {
namespace {

class place : public timed_seat<place> {
public:
    explicit place(protocol p) noexcept : socket_(p) {}
    bool take() noexcept { return socket_.usable_or_closed(socket_.open() && socket_.bind(0)); }
    void give_back() noexcept { socket_.close(); }

private:
    bare_socket socket_;
};

class kernel_bind_zero : public strategy {
public:
    void prepare(const scene& s) override { transport_ = s.transport; }
    std::unique_ptr<seat> sit(unsigned) override { return std::make_unique<place>(transport_); }

private:
    protocol transport_ = protocol::udp;
};

}  // namespace

strategy_entry kernel_bind_zero_entry() {
    return {"bind_zero", "kernel: bind(0)", "socket + bind to port 0 + listen", approach::kernel,
            make_strategy<kernel_bind_zero>};
}

}  // namespace berth::bench
