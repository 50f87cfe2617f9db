// take: a bound socket that is open (and listens), with the eBPF filter and with system calls alone.
#include "bind_latency/strategies/all.hpp"
#include "bind_latency/strategies/berth_block.hpp"

namespace berth::bench {
namespace {

class place : public timed_seat<place> {
public:
    explicit place(port_reservation& reservation) noexcept : reservation_(reservation) {}
    bool take() noexcept {
        error_code ec;
        port_ = reservation_.take(ec);
        return !ec;
    }
    void give_back() noexcept {
        error_code ignored;
        port_.give_back(ignored);
    }

private:
    port_reservation& reservation_;
    bound_port port_;
};

template <parking park>
class berth_take : public strategy {
public:
    void prepare(const scene& s) override {
        if (park == parking::best) require_filter(s.transport);
        block_.prepare(s, park);
    }
    std::unique_ptr<seat> sit(unsigned) override { return std::make_unique<place>(block_.reservation()); }

private:
    berth_block block_;
};

}  // namespace

strategy_entry berth_take_entry() {
    return {"berth_take", "berth: take, with CAP_BPF", "take until usable: claim + drain + open by a store",
            approach::berth, make_strategy<berth_take<parking::best>>};
}

strategy_entry berth_take_calls_entry() {
    return {"berth_take_calls", "berth: take, by system calls", "take until usable: claim + drain + open by a call",
            approach::berth, make_strategy<berth_take<parking::system_calls>>};
}

}  // namespace berth::bench
