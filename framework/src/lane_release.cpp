// The end of a lane: every port is collected and dropped, or left with its worker.
//
// Collecting takes each port out of the place where it is; a draw or a give back in progress is waited for, they last
// microseconds. Told to refuse, a port that turns out to be with a worker undoes the collection, in every lane.
#include "outbound/tuple_sets.hpp"
#include "port_lane.hpp"
#include "reservation_core.hpp"

#include <algorithm>
#include <thread>

namespace berth::detail {

std::uint32_t port_lane::out() const noexcept {
    std::uint32_t n = 0;
    for (std::uint32_t i = 0; i < indices(); ++i) {
        const auto s = state(i);
        if (s == port_state::open || s == port_state::taken || s == port_state::passing) ++n;
    }
    return n;
}

void port_lane::wake_all() noexcept {
    for (;;) {
        const std::uint32_t index = claims_.next_due(~std::uint64_t{0});
        if (index == claim::none) return;
        woken_.mark(index);
    }
}

// True once the index is ours to drop, or detached. False: a worker has it, and the policy is to refuse.
bool port_lane::collect_one(std::uint32_t index, if_taken policy) noexcept {
    for (;;) {
        switch (state(index)) {
            case port_state::available:
                if (claims_.claim_given(index)) return true;
                break;
            case port_state::cooling:
                if (woken_.is_marked(index)) return true;  // out of the queue by our hand
                break;                          // by a draw's: it will be available in a moment
            case port_state::condemned:
                if (condemned_.unmark(index)) return true;
                break;
            case port_state::draining:
                if (watched_.unmark(index)) return lives_on(index), true;
                if (with_priors_.is_marked(index)) return true;
                break;
            case port_state::open: {
                if (policy == if_taken::refuse) return false;
                auto expected = port_state::open;
                if (with_callers_.unmark(index))
                    return lives_on(index), true;  // our descriptor goes, the caller's lives on
                core_.detached_port_out();
                if (!records_[index].state.compare_exchange_strong(expected, port_state::detached)) {
                    static_cast<void>(core_.detached_port_back());
                    break;
                }
                if (with_callers_.unmark(index)) {  // a bind that ended just now: its caller will not give back
                    enter(index, port_state::open);
                    lives_on(index);
                    static_cast<void>(core_.detached_port_back());
                }
                return true;
            }
            case port_state::taken:
            case port_state::passing:
            case port_state::passed_back:
            case port_state::passed_exposed: break;
            case port_state::detached:
            case port_state::unreserved: return true;
        }
        wake_all();
        std::this_thread::yield();
    }
}

bool port_lane::collect(if_taken policy, std::uint32_t& still_out) noexcept {
    const std::lock_guard lock(reclaiming_);
    wake_all();
    for (std::uint32_t i = 0; i < indices(); ++i) {
        if (collect_one(i, policy)) continue;
        still_out = std::max(out(), 1u);  // the port that refused may have come back since; it refused all the same
        put_back_collected(i);
        return false;
    }
    return true;
}

void port_lane::put_back_collected(std::uint32_t upto) noexcept {
    for (std::uint32_t i = 0; i < indices(); ++i) {
        if (woken_.unmark(i)) {
            rest(i);
        } else if (i < upto) {
            const auto s = state(i);
            if (s == port_state::available) claims_.put_back(i);
            if (s == port_state::condemned) condemned_.mark(i);
            if (s == port_state::draining && !with_priors_.is_marked(i)) live_on_.unmark(i), watched_.mark(i);
        }
    }
}

void port_lane::drop_collected(std::uint32_t from, std::uint32_t upto) noexcept {
    for (std::uint32_t i = from; i < upto; ++i) {
        const auto s = state(i);
        if (s == port_state::detached || s == port_state::unreserved) continue;  // its worker drops it, or has
        block_->drop(i);
        enter(i, port_state::unreserved);
    }
    if (from == 0) block_->let_go();
}

void port_lane::abandon() noexcept { block_->abandon(); }

std::uint32_t port_lane::bytes_per_port() const noexcept {
    constexpr std::uint32_t claims = 2 + 16;  // bitmap with tags; cooling queue and its times
    return block_->bytes_per_port() + static_cast<std::uint32_t>(sizeof(port_record)) + claims;
}

void port_lane::add_to(reservation_statistics& s) const noexcept {
    std::uint64_t takes = 0, out = 0;
    for (std::uint32_t i = 0; i < indices(); ++i) {
        takes += records_[i].takes.get();
        switch (state(i)) {
            case port_state::available: ++s.ports.available; break;
            case port_state::taken: ++s.ports.taken; break;
            case port_state::passing:
            case port_state::open: ++s.ports.open, ++out; break;
            case port_state::passed_back:
            case port_state::passed_exposed:
            case port_state::draining: ++s.ports.draining; break;
            case port_state::cooling: ++s.ports.cooling; break;
            case port_state::condemned: ++s.ports.condemned; break;
            case port_state::detached: ++out; break;
            case port_state::unreserved: break;
        }
    }
    if (const auto* const sets = outbound_.load(std::memory_order_acquire)) {
        s.outbound = sets->counts();  // a block has one such lane at most
    }
    s.takes += takes;
    s.gives_back += takes > out ? takes - out : 0;
    s.condemned += counters_.condemned.load();
    s.renewed += counters_.renewed.load();
    s.open_failures += counters_.open_failures.load();
    s.not_silent += counters_.not_silent.load();
    s.discarded += counters_.discarded.load();
    for (std::size_t i = 0; i < s.take_latency.size(); ++i) s.take_latency[i] += counters_.latency[i].load();
}

}  // namespace berth::detail
