// Outbound from a block: take a socket that has its port already, and connect it.
#include "bind_latency/drained_listener.hpp"
#include "bind_latency/strategies/all.hpp"
#include "bind_latency/strategies/bare_socket.hpp"
#include "bind_latency/strategies/berth_block.hpp"

namespace berth::bench {
namespace {

class place : public timed_seat<place> {
public:
    place(drained_listener& server, port_reservation& reservation) noexcept
        : server_(server), remote_(raw::loopback_address(server.port())), reservation_(reservation) {}
    bool take() noexcept {
        error_code ec;
        port_ = reservation_.take(ec);
        if (ec) return false;
        if (raw::connect_and_wait(port_.io_handle(), remote_)) return true;
        port_.give_back(ec);
        return false;
    }
    void give_back() noexcept {
        error_code ignored;
        port_.give_back(ignored);
        server_.settle();
    }

private:
    drained_listener& server_;
    sockaddr_in remote_;
    port_reservation& reservation_;
    bound_port port_;
};

class connect_taken : public strategy {
public:
    void prepare(const scene& s) override {
        server_ = s.server;
        block_.prepare(s, parking::best, tcp_use::connect);
    }
    std::unique_ptr<seat> sit(unsigned) override { return std::make_unique<place>(*server_, block_.reservation()); }

private:
    drained_listener* server_ = nullptr;
    berth_block block_;
};

}  // namespace

strategy_entry connect_taken_entry() {
    return {"connect_taken", "berth: take, connect", "take + connect + poll", approach::berth,
            make_strategy<connect_taken>};
}

}  // namespace berth::bench
