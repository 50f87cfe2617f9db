// The documents' two steps on a caller's own socket: associate, then bind.
#include "bind_latency/strategies/all.hpp"
#include "bind_latency/strategies/bare_socket.hpp"
#include "bind_latency/strategies/berth_block.hpp"

#include <berth/associate.hpp>

namespace berth::bench {
namespace {

class place : public timed_seat<place> {
public:
    place(protocol p, reservation_token token) noexcept : socket_(p), token_(token) {}
    bool take() noexcept {
        error_code ec;
        if (!socket_.open()) return false;
        associate(socket_.fd(), token_, ec);
        if (!ec) bind(socket_.fd(), bind_endpoint{}, ec);
        return socket_.usable_or_closed(!ec);
    }
    void give_back() noexcept {
        error_code ec;
        berth::give_back(socket_.fd(), ec);
        if (ec) socket_.close();
    }

private:
    bare_socket socket_;
    reservation_token token_;
};

class berth_associate : public strategy {
public:
    void prepare(const scene& s) override {
        transport_ = s.transport;
        block_.prepare(s, parking::best);
    }
    std::unique_ptr<seat> sit(unsigned) override {
        return std::make_unique<place>(transport_, block_.reservation().token());
    }

private:
    protocol transport_ = protocol::udp;
    berth_block block_;
};

}  // namespace

strategy_entry berth_associate_entry() {
    return {"berth_associate", "berth: associate + bind, own socket", "socket + associate + bind + listen",
            approach::berth, make_strategy<berth_associate>};
}

}  // namespace berth::bench
