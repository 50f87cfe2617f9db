// Consecutive ports at once: as take_pair, for any number of them. See port_lane.hpp.
#include "port_lane.hpp"

#include "reservation_core.hpp"

#include <utility>

namespace berth::detail {

bool port_lane::take_run(std::span<bound_port> out, std::uint32_t alignment, error_code& ec) noexcept {
    if (!may_draw(ec)) return false;
    if (out.empty() || alignment == 0) return core_.fail(errc::invalid_argument, ec);
    if (core_.source() != nullptr || sessions_ != 1) return core_.fail(errc::operation_not_supported, ec);
    const auto length = static_cast<std::uint32_t>(out.size());
    if (out.size() > numbers_.count) return core_.fail(errc::block_exhausted, ec);
    for (bool may_look = true;;) {
        if (claims_.anything_cooling()) wake_rested();
        std::uint32_t first = claims_.claim_run(length, alignment);
        if (first == claim::none && std::exchange(may_look, false) && reclaim() != 0) {
            first = claims_.claim_run(length, alignment);
        }
        if (first == claim::none) {
            if (core_.now() == phase::held) return core_.fail(errc::block_exhausted, ec);
            if (is_over(ec)) return false;
            continue;
        }
        for (std::uint32_t i = first + 1; i < first + length; ++i) enter(i, port_state::taken);
        if (!confirm(first)) {
            for (std::uint32_t i = first + 1; i < first + length; ++i) make_available(i);
            if (is_over(ec)) return false;
            continue;
        }
        bool is_whole = true;
        for (std::uint32_t i = 0; i < length; ++i) {
            out[i] = open(first + i) ? bound_port(this, first + i) : bound_port();
            is_whole = is_whole && out[i];
        }
        if (is_whole) return true;
        for (auto& port : out) port = {};  // one is condemned: there are fewer each time round
    }
}

}  // namespace berth::detail
