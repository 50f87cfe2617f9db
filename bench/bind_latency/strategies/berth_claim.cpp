// The claim alone: which port is ours, without any socket. The part of take that is not the system's.
#include "bind_latency/strategies/all.hpp"
#include "claim/claim_set.hpp"

namespace berth::bench {
namespace {

class place : public timed_seat<place> {
public:
    explicit place(claim::claim_set& ports) noexcept : ports_(ports) {}
    bool take() noexcept { return (index_ = ports_.claim()) != claim::none; }
    void give_back() noexcept { ports_.put_back(index_); }

private:
    claim::claim_set& ports_;
    std::uint32_t index_ = claim::none;
};

class berth_claim : public strategy {
public:
    void prepare(const scene& s) override {
        constexpr std::uint16_t any_first_port = 20000;  // decides only which index is even
        ports_ = std::make_unique<claim::claim_set>(any_first_port, s.block_ports, draw_order::random);
        for (std::uint32_t i = 0; i < s.block_ports; ++i) ports_->put_back(i);
        for (std::uint32_t i = occupied_of(s.block_ports, s.occupancy); i > 0; --i) ports_->claim();
    }
    std::unique_ptr<seat> sit(unsigned) override { return std::make_unique<place>(*ports_); }

private:
    std::unique_ptr<claim::claim_set> ports_;
};

}  // namespace

strategy_entry berth_claim_entry() {
    return {"berth_claim", "berth: the claim alone", "the draw of a port, no socket", approach::berth,
            make_strategy<berth_claim>};
}

}  // namespace berth::bench
