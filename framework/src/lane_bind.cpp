// bind of a caller's own socket: a port is drawn, and its session socket takes the place of the caller's.
#include "port_lane.hpp"
#include "reservation_core.hpp"

namespace berth::detail {

void port_lane::bind_callers(platform::native_socket target, std::uint16_t port, std::uint32_t& index,
                             std::uint64_t& cookie, failure& f) {
    bound_port drawn = port == 0 ? take(f.code) : take_port(port, f.code);
    if (f.code) {
        f.what = port == 0 ? "no port of the block is available"
                           : "port " + std::to_string(port) + ": " + f.code.message();
        return;
    }
    index = drawn.index_;
    drawn.uses_ |= bound_port::lent;  // also if it is given up half way: what was set is undone
    block_->hand_over(index, target, f);  // the last that can fail: then the caller's descriptor is the session socket
    if (f) return core_.count_failure(f.code);  // and `drawn` goes back, made as new
    cookie = block_->cookie(index);
    with_callers_.mark(index);  // from here on the caller's descriptor is the handle
    // A release that detaches says so first and then looks for callers: one of the two sees the other.
    const bool detached = records_[index].state.load() == port_state::detached;
    if (detached && with_callers_.unmark(index)) {
        drawn.uses_ |= bound_port::exposed;  // goes back, and the caller's descriptor lives on
    } else {
        drawn.lane_ = nullptr;
    }
}

}  // namespace berth::detail
