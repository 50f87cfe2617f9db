// A reservation from its making (reserve_steps.cpp) to its end; see reservation_core.hpp.
#include "reservation_core.hpp"

#include "log.hpp"
#include "platform/fork_stamp.hpp"
#include "quiescence.hpp"
#include "reserve_steps.hpp"
#include "say.hpp"
#include "token_table.hpp"

#include <algorithm>

namespace berth::detail {
namespace {

// A block on one address has that address's family; "all addresses" is spelled one way.
reservation_request normalised(reservation_request r) {
    if (r.address.is_v6() && r.address.to_v6().is_v4_mapped()) {
        r.address = asio::ip::make_address_v4(asio::ip::v4_mapped, r.address.to_v6());
    }
    if (r.address.is_unspecified()) {
        r.address = asio::ip::address();
    } else if (r.family == address_family::dual) {
        r.family = r.address.is_v4() ? address_family::ipv4 : address_family::ipv6;
    }
    return r;
}

}  // namespace

reservation_core::reservation_core(platform::port_provider& provider, const reservation_request& request,
                                   lane_clock clock)
    : provider_(provider), request_(normalised(request)), clock_(clock), stamp_(platform::fork_stamp()) {}

std::shared_ptr<reservation_core> reservation_core::make(platform::port_provider& provider,
                                                         const reservation_request& request, failure& f,
                                                         lane_clock clock,
                                                         std::vector<platform::held_sockets> inherited,
                                                         reservation_token drawn_from) {
    reserve_steps steps(provider, request, clock, std::move(inherited), drawn_from);
    while (steps.advance(~std::uint32_t{0})) {
    }
    f = std::move(steps.why());
    return f ? nullptr : steps.take_core();
}

reservation_core::~reservation_core() {
    if (is_forked()) {
        for (auto& lane : lanes_) {
            lane->abandon();
            static_cast<void>(lane.release());
        }
        if (source_) source_->abandon();
        return;
    }
    wait_until_nobody_is_inside(this);
    token_table::instance().remove(*this);  // one that was never released: what came over and went back
}

bool reservation_core::is_forked() const noexcept { return platform::fork_stamp() != stamp_; }

port_lane* reservation_core::lane(transport protocol) noexcept {
    if (protocol == transport::tcp_and_udp) return nullptr;
    for (auto& lane : lanes_) {
        if ((lane->kind() == platform::port_kind::udp) == (protocol == transport::udp)) return lane.get();
    }
    return nullptr;
}

port_lane* reservation_core::lane(platform::port_kind kind) noexcept {
    for (auto& lane : lanes_) {
        if (lane->kind() == kind) return lane.get();
    }
    return nullptr;
}

// Asked before the gate, whose holder may have been a thread of the parent's.
bool reservation_core::may_release(failure& f) const noexcept {
    f = {};
    if (!is_forked()) return true;
    f.code = errc::forked;
    say(f, [] { return "a forked child cannot release its parent's reservation"; });
    return false;
}

// False and a failure: nothing has changed. Else no draw succeeds any more, and what is not detached is to be dropped.
bool reservation_core::end_draws(failure& f, if_taken policy) noexcept {
    if (now() == phase::released) {
        f.code = errc::reservation_released;
        return false;
    }
    std::uint32_t out = 0;
    for (bool looked = false; policy == if_taken::refuse; looked = true) {
        out = 0;
        for (auto& lane : lanes_) out += lane->out();
        if (out == 0 || looked) break;
        reclaim();  // a caller may have closed its socket without a word
    }
    if (out == 0) {
        phase_.store(phase::closing, std::memory_order_seq_cst);
        std::size_t collected = 0;
        while (collected < lanes_.size() && lanes_[collected]->collect(policy, out)) ++collected;
        if (collected < lanes_.size()) {  // a draw was quicker than the closing: all as before
            phase_.store(phase::held, std::memory_order_seq_cst);
            for (std::size_t i = 0; i < collected; ++i) lanes_[i]->put_back_collected(indices());
        }
    }
    if (out != 0) {
        f.code = errc::reservation_busy;
        f.count = out;
        say(f, [&] {
            return std::to_string(out) +
                   " sockets of the block are still out; give them back, or release with if_taken::detach";
        });
        return false;
    }
    token_table::instance().remove(*this);
    phase_.store(phase::released, std::memory_order_seq_cst);
    to_drop_ = indices();
    return true;
}

bool reservation_core::drop(std::uint32_t most) noexcept {
    const std::uint32_t upto = to_drop_;
    to_drop_ -= std::min(most, to_drop_);
    for (auto& lane : lanes_) lane->drop_collected(to_drop_, upto);
    if (to_drop_ != 0) return true;
    if (source_) source_->ports_left(*lanes_.front());
    self_ = shared_from_this();
    const auto last = detached_port_back();  // the owner's own share; ends the core only if the caller does not hold it
    return false;
}

void reservation_core::release(failure& f, if_taken policy) noexcept {
    if (!may_release(f)) return;
    const std::lock_guard lock(releasing_);
    if (now() == phase::passing) {
        is_to_end_ = true;
        return;
    }
    if (to_drop_ != 0 || end_draws(f, policy)) drop(~std::uint32_t{0});
}

bool reservation_core::release_some(failure& f, std::uint32_t most) noexcept {
    if (!may_release(f)) return false;
    const std::lock_guard lock(releasing_);
    if (now() == phase::passing) {
        is_to_end_ = true;
        return false;
    }
    return (to_drop_ != 0 || end_draws(f, if_taken::refuse)) && drop(most);
}

std::shared_ptr<reservation_core> reservation_core::detached_port_back() noexcept {
    if (detached_.fetch_sub(1) != 1) return nullptr;
    if (source_) source_->close(*lanes_.front(), sockets_live_on_.load(std::memory_order_relaxed));
    return std::move(self_);
}

std::uint32_t reservation_core::reclaim() noexcept {
    std::uint32_t back = 0;
    for (auto& lane : lanes_) back += lane->reclaim();
    return back;
}

std::uint32_t reservation_core::available() const noexcept {
    std::uint32_t sum = 0;
    if (now() == phase::held) {
        for (const auto& lane : lanes_) sum += lane->available();
    }
    return sum;
}

reservation_statistics reservation_core::statistics() const noexcept {
    reservation_statistics s;
    for (const auto& lane : lanes_) lane->add_to(s);
    for (std::size_t i = 0; i < errc_count; ++i) s.failures[i] = failures_[i].load(std::memory_order_relaxed);
    s.exhausted = s.failures_of(errc::block_exhausted);
    return s;
}

}  // namespace berth::detail
