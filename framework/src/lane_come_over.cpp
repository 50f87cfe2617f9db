// A lane that came from another process: each port is what it was there, and what that process still serves with
// stays out of reach until it has let go of it.
//
// Whether it has is looked at where ports that came free by themselves are looked for: in reclaim. So there is no
// thread, and no port is in two hands: one that our worker gives back while the predecessor has a copy waits as well.
#include "port_lane.hpp"
#include "reservation_core.hpp"

#include <algorithm>

namespace berth::detail {

using platform::port_fate;

void port_lane::come_over(prior_owners priors, const std::vector<std::uint32_t>& serving) {
    const std::lock_guard lock(reclaiming_);
    const auto board = priors.front().board;
    priors_ = std::move(priors);
    std::vector<bool> is_serving(indices());
    for (const auto index : serving) is_serving[index] = true;
    for (std::uint32_t i = 0; i < indices(); ++i) {
        const bool serves = is_serving[i] && block_->session(i) >= 0 && !board->is_another(i);
        switch (board->fate(i)) {
            case port_fate::available:
                make_available(i);
                break;
            case port_fate::cooling:
                if (heard_) heard_[i] = block_->heard(i);
                enter(i, port_state::cooling);
                claims_.cool(i, clock_() + std::min(board->rest(i), std::max(cool_down_, silence_)));
                break;
            case port_fate::condemned:
                enter(i, port_state::condemned);
                condemned_.mark(i);
                break;
            case port_fate::out:
            case port_fate::away:
            case port_fate::returned:
                with_priors_.mark(i);
                enter(i, serves ? port_state::open : port_state::draining);
                break;
            case port_fate::unknown:  // it died before it said so: nobody but us has it, and whoever had it before
                if (any_has(priors_, i)) {
                    with_priors_.mark(i);
                    enter(i, serves ? port_state::open : port_state::draining);
                } else if (serves) {
                    enter(i, port_state::open);
                } else {
                    settle(i, block_->park(i, true));
                }
        }
    }
}

// Whatever its former worker did to it is looked for at give back.
bound_port port_lane::serve(std::uint32_t index) noexcept {
    bound_port port(this, index);
    port.uses_ |= bound_port::lent;
    return port;
}

std::uint32_t port_lane::look_at_priors() noexcept {
    std::uint32_t back = 0;
    forget_the_dead(priors_);
    with_priors_.for_each([&](std::uint32_t index) {
        if (any_has(priors_, index) || !with_priors_.unmark(index)) return;
        if (state(index) != port_state::draining || watched_.is_marked(index)) return;
        settle_returned(index, platform::named_by::nobody);
        if (state(index) == port_state::available) ++back;
    });
    return back;
}

// Under the lock, so that whoever sees the predecessor's end and we agree on who settles the port.
bool port_lane::give_back_shared(std::uint32_t index, bool exposed) noexcept {
    const std::lock_guard lock(reclaiming_);
    if (!with_priors_.is_marked(index)) return false;
    auto expected = port_state::open;
    if (!records_[index].state.compare_exchange_strong(expected, port_state::draining)) return false;
    if (exposed) watched_.mark(index);
    return true;
}

}  // namespace berth::detail
