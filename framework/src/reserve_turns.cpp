// The turns of an async_reserve: as many ports in each as take some 300 us here, and one look of the closing check.
//
// What a port costs differs by machine, protocol and privilege, so the size of a step follows the clock. The look has
// a price of its own, the walk over the kernel's tables, which smaller steps would only pay more often.
#include <berth/detail/reserve_turns.hpp>

#include "platform/port_provider.hpp"
#include "reserve_steps.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace berth::detail {
namespace {

using stage = reserve_steps::stage;

constexpr std::chrono::microseconds quick{150}, slow{400};

struct bounds {
    std::uint32_t least, most;  // ports of a step
};

bounds bounds_of(stage s) noexcept {
    switch (s) {
        case stage::seal:
            return {64, 256};
        case stage::start:
            return {1024, 8192};
        default:
            return {4, 64};
    }
}

}  // namespace

struct reserve_turns::parts {
    parts(const reservation_request& request, waker* waker)
        : steps(platform::system_provider(), request, steady_nanoseconds, {}, {}, waker) {}

    reserve_steps steps;
    stage last = stage::check;
    std::uint32_t ports = 0;  // of the next step
};

reserve_turns::reserve_turns(const reservation_request& request, waker* waker) : parts_(new parts(request, waker)) {}

reserve_turns::~reserve_turns() { delete parts_; }

bool reserve_turns::turn() {
    using clock = std::chrono::steady_clock;
    const bounds allowed = bounds_of(parts_->steps.next());
    if (std::exchange(parts_->last, parts_->steps.next()) != parts_->steps.next()) parts_->ports = allowed.least;
    const auto began = clock::now();
    const bool more = parts_->steps.advance(parts_->ports);
    const auto took = clock::now() - began;
    if (took < quick) parts_->ports = std::min(parts_->ports * 2, allowed.most);
    if (took > slow) parts_->ports = std::max(parts_->ports / 2, allowed.least);
    return more;
}

bool reserve_turns::is_waiting() const noexcept { return parts_->steps.is_waiting(); }

void reserve_turns::cancel() noexcept { parts_->steps.cancel(); }

port_reservation reserve_turns::result(failure& f) noexcept {
    f = std::move(parts_->steps.why());
    return port_reservation(f ? nullptr : parts_->steps.take_core());
}

}  // namespace berth::detail
