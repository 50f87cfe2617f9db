// Time in windows of equal length: the first lines of each are written, the rest counted.
#include <berth/service/logger.hpp>

#include "log_core.hpp"

#include <stdexcept>

namespace berth::service {

bool limited_event::state::admit() noexcept {
    const std::uint64_t here = window() << 32;
    std::uint64_t seen = place_.load(std::memory_order_relaxed);
    for (;;) {
        const bool is_new = (seen & ~std::uint64_t{0xFFFFFFFF}) != here;
        if (!is_new && (seen & 0xFFFFFFFF) >= most) break;
        const std::uint64_t next = is_new ? here + 1 : seen + 1;
        if (is_new && most == 0) break;
        if (place_.compare_exchange_weak(seen, next, std::memory_order_relaxed)) return true;
    }
    swallowed.fetch_add(1, std::memory_order_relaxed);
    return false;
}

std::uint64_t limited_event::state::to_say(bool at_once) noexcept {
    const bool is_over = (place_.load(std::memory_order_relaxed) >> 32) != (window() & 0xFFFFFFFF);
    if (!at_once && !is_over && most != 0) return 0;
    const std::uint64_t all = swallowed.load(std::memory_order_relaxed);
    std::uint64_t said = said_.load(std::memory_order_relaxed);
    while (said < all && !said_.compare_exchange_weak(said, all, std::memory_order_relaxed)) {
    }
    return said < all ? all - said : 0;
}

limited_event::limited_event(logger& log, severity level, std::string event, std::uint32_t most,
                             std::chrono::steady_clock::duration within)
    : log_(log.core_) {
    if (within <= within.zero()) throw std::invalid_argument("berth: a limited event within no time: give it some");
    state_ = std::make_shared<state>(level, std::move(event), most, within);
    log_->add(state_);
}

limited_event::~limited_event() {
    if (const auto count = state_->to_say(true); count != 0) {
        log_->write(state_->level, "swallowed", {{"of", state_->event}, {"count", count}});
    }
}

void limited_event::operator()(logger::fields what) noexcept {
    if (log_->is_written(state_->level) && state_->admit()) log_->write(state_->level, state_->event, what);
}

std::uint64_t limited_event::swallowed() const noexcept { return state_->swallowed.load(std::memory_order_relaxed); }

}  // namespace berth::service
