// A lane on its way to another process: frozen, then either as before or the other's.
//
// Frozen, no port is within a draw's reach and no socket is touched: the successor may be using them already. A port
// that is given back in that time waits for the outcome. Once the successor has the block, what is left here is
// closed and nothing else: parking or emptying a socket would park and empty the successor's.
#include "port_lane.hpp"
#include "reservation_core.hpp"

#include <algorithm>
#include <new>
#include <thread>

namespace berth::detail {

using platform::port_fate;

void port_lane::keep_sessions(bool keep) noexcept {
    const std::lock_guard lock(reclaiming_);  // a renewal that is under way comes first
    keeps_sessions_ = keep;
}

prior_owners port_lane::live_priors() {
    const std::lock_guard lock(reclaiming_);
    forget_the_dead(priors_);
    return priors_;
}

std::uint64_t port_lane::rest_left(std::uint32_t index, std::uint64_t now) noexcept {
    if (heard_ && block_->heard(index) != heard_[index]) return silence_;
    const std::uint64_t due = claims_.ready_at(index);
    return due > now ? due - now : 0;
}

// As in collect_one: a draw or a give back in progress is waited for, they last microseconds.
port_fate port_lane::freeze_one(std::uint32_t index) noexcept {
    for (;;) {
        switch (state(index)) {
            case port_state::available:
                if (claims_.claim_given(index)) return port_fate::available;
                break;
            case port_state::cooling:
                if (frozen_[index] == port_fate::cooling) return port_fate::cooling;  // out of the queue
                break;
            case port_state::condemned:
                if (condemned_.is_marked(index)) return port_fate::condemned;
                break;
            case port_state::draining:
                if (watched_.is_marked(index)) return port_fate::out;  // also if an earlier owner has it as well
                if (with_priors_.is_marked(index)) return port_fate::away;
                break;
            case port_state::open: {
                auto expected = port_state::open;
                if (records_[index].state.compare_exchange_strong(expected, port_state::passing)) {
                    return port_fate::out;
                }
                break;
            }
            default:
                break;
        }
        for (std::uint32_t rested; (rested = claims_.next_due(~std::uint64_t{0})) != claim::none;) {
            frozen_[rested] = port_fate::cooling;
        }
        std::this_thread::yield();
    }
}

// Post: freeze() and what follows it take no memory.
void port_lane::make_room_to_freeze() {
    const std::lock_guard lock(reclaiming_);
    frozen_.reserve(indices());
    inodes_.reserve(indices());
    lingering_.reserve(indices());
}

void port_lane::freeze(std::shared_ptr<platform::handover_board> board) noexcept {
    const std::lock_guard lock(reclaiming_);
    board_ = std::move(board);
    frozen_.assign(indices(), port_fate::unknown);
    inodes_.assign(indices(), 0);
    const std::uint64_t now = clock_();
    for (std::uint32_t i = 0; i < indices(); ++i) {
        frozen_[i] = freeze_one(i);
        if (frozen_[i] == port_fate::out && block_->has_session(i)) {
            inodes_[i] = core_.provider().inode_of(block_->session(i));
            if (!block_->has_session(i)) inodes_[i] = 0;  // closed meanwhile: the number may have been another's
        }
        board_->say(i, frozen_[i], frozen_[i] == port_fate::cooling ? rest_left(i, now) : 0);
    }
}

// The successor may have opened and used it.
void port_lane::thaw_one(std::uint32_t index) noexcept {
    switch (frozen_[index]) {
        case port_fate::available:
        case port_fate::cooling: {
            const auto parked = block_->park(index, true);
            if (parked.condemned) return condemn(index);
            if (frozen_[index] == port_fate::available) return make_available(index);
            if (heard_) heard_[index] = block_->heard(index);
            return claims_.cool(index, clock_() + std::min(board_->rest(index), std::max(cool_down_, silence_)));
        }
        case port_fate::out: {
            if (state(index) == port_state::draining) return;  // watched, as it was
            auto expected = port_state::passing;
            if (records_[index].state.compare_exchange_strong(expected, port_state::open)) return;
            enter(index, port_state::draining);
            watched_.mark(index);
            return;
        }
        default:
            return;
    }
}

void port_lane::thaw() noexcept {
    const std::lock_guard lock(reclaiming_);
    for (std::uint32_t i = 0; i < indices(); ++i) thaw_one(i);
    frozen_.clear();
    board_.reset();
}

// Post: closed here, but for one that is detached: its worker's. `lingers`: a descriptor may name the socket still.
void port_lane::pass_on_one(std::uint32_t index) noexcept {
    bool lingers = frozen_[index] == port_fate::out;
    if (lingers && state(index) != port_state::draining && !with_callers_.unmark(index)) {
        core_.detached_port_out();
        auto expected = port_state::passing;
        const bool is_detached = records_[index].state.compare_exchange_strong(expected, port_state::detached);
        // As in collect_one: of a bind that ended just now and this, one sees the other.
        if (is_detached && !with_callers_.unmark(index)) return;
        static_cast<void>(core_.detached_port_back());  // never the last: the owner's own share is still out
        lingers = is_detached || expected == port_state::passed_exposed;
        if (!lingers) board_->say(index, port_fate::returned);
    }
    watched_.unmark(index);
    condemned_.unmark(index);
    with_priors_.unmark(index);
    block_->drop(index);
    enter(index, port_state::unreserved);
    if (lingers && inodes_[index] != 0) lingering_.push_back(index);
}

void port_lane::pass_on() noexcept {
    const std::lock_guard lock(reclaiming_);
    block_->pass_on();
    for (std::uint32_t i = 0; i < indices(); ++i) pass_on_one(i);
    frozen_.clear();
    priors_.clear();
    look_for_lingering();
}

// One whose socket could not be told when it was frozen stays ours until this process ends. Without memory to look
// with, all stay until the next look.
void port_lane::look_for_lingering() noexcept {
    if (lingering_.empty()) return;
    try {
        std::vector<std::uint64_t> inodes;
        std::vector<bool> is_named;
        inodes.reserve(lingering_.size());
        for (const auto index : lingering_) inodes.push_back(inodes_[index]);
        core_.provider().find_named(inodes, is_named);
        std::size_t i = 0;
        std::erase_if(lingering_, [&](std::uint32_t index) {
            if (is_named[i++]) return false;
            board_->say(index, port_fate::returned);
            return true;
        });
    } catch (const std::bad_alloc&) {
    }
}

// A successor hears that it is the only one with the socket from now on, if it is.
void port_lane::drop_detached(std::uint32_t index, bool is_copied) noexcept {
    const std::unique_lock lock = board_ ? std::unique_lock(reclaiming_) : std::unique_lock<std::mutex>();
    if (is_copied) lives_on(index);
    block_->drop(index);
    enter(index, port_state::unreserved);
    if (!board_) return;
    if (!is_copied) {
        board_->say(index, port_fate::returned);
    } else if (inodes_[index] != 0) {
        lingering_.push_back(index);
    }
    look_for_lingering();
}

// True: it waits for the outcome. False: there is one by now.
bool port_lane::give_back_passing(std::uint32_t index, bool is_copied) noexcept {
    auto expected = port_state::passing;
    const auto returned = is_copied ? port_state::passed_exposed : port_state::passed_back;
    return records_[index].state.compare_exchange_strong(expected, returned);
}

}  // namespace berth::detail
