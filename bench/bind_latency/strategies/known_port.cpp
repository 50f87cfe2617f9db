// The best case without a reservation: somebody tells us a port that is free.
#include "bind_latency/strategies/all.hpp"
#include "bind_latency/strategies/bare_socket.hpp"

#include <stdexcept>

namespace berth::bench {
namespace {

class place : public timed_seat<place> {
public:
    place(protocol p, std::uint16_t port) noexcept : socket_(p), port_(port) {}
    bool take() noexcept { return socket_.usable_or_closed(socket_.open() && socket_.bind(port_)); }
    void give_back() noexcept { socket_.close(); }

private:
    bare_socket socket_;
    std::uint16_t port_;
};

class known_port : public strategy {
public:
    void prepare(const scene& s) override {
        if (s.free_ports.size() < s.threads) throw std::runtime_error("fewer free ports than threads");
        transport_ = s.transport;
        free_ = s.free_ports;
    }
    std::unique_ptr<seat> sit(unsigned thread) override { return std::make_unique<place>(transport_, free_[thread]); }

private:
    protocol transport_ = protocol::udp;
    std::vector<std::uint16_t> free_;
};

}  // namespace

strategy_entry known_port_entry() {
    return {"known_port", "bind to a port known to be free", "socket + bind to that port + listen", approach::program,
            make_strategy<known_port>};
}

}  // namespace berth::bench
