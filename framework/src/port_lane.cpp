// The fast path: take and give_back. See port_lane.hpp for the states.
#include "port_lane.hpp"

#include "quiescence.hpp"
#include "reservation_core.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <thread>
#include <utility>

namespace berth::detail {
namespace {

constexpr std::uint32_t sample_every = 1024;  // a clock read costs two claims

std::uint64_t to_ns(std::chrono::milliseconds duration) noexcept {
    constexpr std::chrono::milliseconds longest = std::chrono::hours{24 * 365 * 100};  // more overflows the clock
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(std::min(duration, longest)).count());
}

bool sample_now() noexcept {
    thread_local std::uint32_t ticks = 0;
    return ++ticks % sample_every == 0;
}

}  // namespace

std::uint64_t steady_nanoseconds() noexcept {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

port_lane::port_lane(reservation_core& core, const reservation_request& request, platform::port_kind kind,
                     std::unique_ptr<platform::held_block> block, lane_clock clock)
    : core_(core),
      kind_(kind),
      numbers_(request.block),
      sessions_(request.sessions_per_port),
      clock_(clock),
      cool_down_(to_ns(request.cool_down)),
      silence_(to_ns(request.silence)),
      block_(std::move(block)),
      claims_(sessions_ == 1 ? request.block.first : std::uint16_t{0}, indices(), request.order),
      records_(std::make_unique<port_record[]>(indices())),
      heard_(silence_ != 0 ? std::make_unique<std::uint32_t[]>(indices()) : nullptr),
      with_callers_(indices()),
      watched_(indices()),
      condemned_(indices()),
      with_priors_(indices()),
      stranded_(indices()),
      woken_(indices()),
      live_on_(indices()) {}

void port_lane::start(std::uint32_t from, std::uint32_t upto) noexcept {
    for (std::uint32_t i = from; i < upto; ++i) make_available(i);
}

bool port_lane::may_draw(error_code& ec) noexcept {
    ec = {};
    return !core_.is_forked() || core_.fail(errc::forked, ec);
}

// A claim that overlaps a release: the claim's read-modify-write and the release's store of the phase are ordered, so
// one of the two sees the other.
bool port_lane::confirm(std::uint32_t index) noexcept {
    enter(index, port_state::taken);
    if (core_.now() == phase::held) return true;
    make_available(index);
    return false;
}

// A release in progress may yet be refused: only its outcome tells a draw what to say. It lasts microseconds.
bool port_lane::is_over(error_code& ec) noexcept {
    while (core_.now() == phase::closing) std::this_thread::yield();
    if (core_.now() == phase::held) return false;
    core_.fail(errc::reservation_released, ec);
    return true;
}

// Looks for ports that came free once a call: a port that is renewed and fails to open again must not keep it going.
std::uint32_t port_lane::draw(bool& may_look, error_code& ec) noexcept {
    for (;;) {
        if (claims_.anything_cooling()) wake_rested();
        std::uint32_t index = claims_.claim();
        if (index == claim::none && std::exchange(may_look, false) && reclaim() != 0) index = claims_.claim();
        if (index == claim::none) {
            if (core_.now() == phase::held) {
                if (fetch(port_source::need::any, 0, ec)) continue;
                return claim::none;
            }
        } else if (confirm(index)) {
            return index;
        }
        if (is_over(ec)) return claim::none;
    }
}

// False, counted and said: there is none elsewhere either.
bool port_lane::fetch(port_source::need what, std::uint32_t index, error_code& ec) noexcept {
    auto* const source = core_.source();
    ec = what == port_source::need::given ? errc::port_taken : errc::block_exhausted;
    if (source != nullptr && source->fetch(*this, what, index, ec)) {
        ec = {};
        return true;
    }
    if (core_.now() != phase::held && is_over(ec)) return false;  // whatever it failed with: the release is the cause
    core_.count_failure(ec);
    return false;
}

bool port_lane::open(std::uint32_t index) noexcept {
    std::uint32_t discarded = 0;
    const bool failed = static_cast<bool>(block_->open(index, discarded));
    if (discarded != 0) counters_.discarded.fetch_add(discarded, std::memory_order_relaxed);
    if (failed) {
        counters_.open_failures.fetch_add(1, std::memory_order_relaxed);
        condemn(index);
        return false;
    }
    records_[index].takes.add_one();
    enter(index, port_state::open);
    return true;
}

bound_port port_lane::take(error_code& ec) noexcept {
    const std::uint64_t began = sample_now() ? clock_() : 0;
    if (!may_draw(ec)) return {};
    for (bool may_look = true;;) {
        const std::uint32_t index = draw(may_look, ec);
        if (index == claim::none) return {};
        if (!open(index)) continue;  // condemned: there are fewer each time round
        if (began != 0) note_latency(clock_() - began);
        return {this, index};
    }
}

bound_port port_lane::take_port(std::uint16_t port, error_code& ec) noexcept {
    if (!may_draw(ec)) return {};
    if (!numbers_.contains(port)) return core_.fail(errc::port_outside_block, ec), bound_port();
    const std::uint32_t first = (std::uint32_t{port} - numbers_.first) * sessions_;
    bool may_fetch = core_.source() != nullptr;
    do {
        if (claims_.anything_cooling()) wake_rested();
        std::uint32_t index = claims_.claim_between(first, sessions_);
        if (index == claim::none && reclaim() != 0) index = claims_.claim_between(first, sessions_);
        if (index != claim::none) {
            if (!confirm(index)) continue;  // of a release that is refused it is there again
            if (open(index)) return {this, index};
            break;
        }
        if (core_.now() == phase::held) {
            if (!std::exchange(may_fetch, false)) break;
            if (!fetch(port_source::need::given, first, ec)) return {};
            continue;
        }
    } while (core_.now() == phase::held || !is_over(ec));
    if (!ec) core_.fail(errc::port_taken, ec);
    return {};
}

std::array<bound_port, 2> port_lane::take_pair(error_code& ec) noexcept {
    if (!may_draw(ec)) return {};
    if (sessions_ != 1) return core_.fail(errc::operation_not_supported, ec), std::array<bound_port, 2>();
    for (bool may_look = true;;) {
        if (claims_.anything_cooling()) wake_rested();
        std::uint32_t even = claims_.claim_pair();
        if (even == claim::none && std::exchange(may_look, false) && reclaim() != 0) even = claims_.claim_pair();
        if (even == claim::none) {
            if (core_.now() == phase::held) {
                if (fetch(port_source::need::pair, 0, ec)) continue;
                return {};
            }
            if (is_over(ec)) return {};
            continue;
        }
        enter(even + 1, port_state::taken);
        if (!confirm(even)) {
            make_available(even + 1);
            if (is_over(ec)) return {};
            continue;
        }
        bound_port first = open(even) ? bound_port(this, even) : bound_port();
        bound_port second = open(even + 1) ? bound_port(this, even + 1) : bound_port();
        if (first && second) return {std::move(first), std::move(second)};
    }
}

void port_lane::give_back(std::uint32_t index, bool lent, bool exposed, bool lost) noexcept {
    if (core_.is_forked()) return;
    std::shared_ptr<reservation_core> last;
    {
        const pass inside(&core_);
        if (lost && core_.source() == nullptr && block_->has_session(index)) core_.a_socket_lives_on();  // moved out
        if (lost) block_->lose(index);
        const bool is_copied = exposed || lost;  // as far as another process is concerned: it may have been moved out
        if (!with_priors_.none() && give_back_shared(index, is_copied)) return;
        auto expected = port_state::open;
        while (!records_[index].state.compare_exchange_strong(expected, port_state::draining)) {
            if (expected == port_state::detached) break;
            if (give_back_passing(index, is_copied)) return;
            expected = port_state::open;
        }
        if (expected == port_state::detached) {
            drop_detached(index, is_copied);  // the reservation ended meanwhile, and left this port to us
            if (auto* const source = core_.source()) source->ports_left(*this);
            last = core_.detached_port_back();
        } else if (lost) {
            condemn(index);
        } else if (exposed) {
            watched_.mark(index);  // returns when no descriptor names the socket any more
        } else {
            settle(index, block_->park(index, lent));
        }
    }
}

void port_lane::note_latency(std::uint64_t nanoseconds) noexcept {
    const auto bucket = nanoseconds == 0 ? 0 : std::bit_width(nanoseconds) - 1;
    counters_.latency[std::min<std::size_t>(static_cast<std::size_t>(bucket), 31)].fetch_add(1);
}

}  // namespace berth::detail
