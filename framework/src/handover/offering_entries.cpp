// What is offered: reservations, and the ports that are served with; see offering.hpp.
#include "handover/offering.hpp"

#include "guarded.hpp"

#include <algorithm>

namespace berth::detail {
namespace {

constexpr std::size_t longest_name = 200;

failure invalid_entry(std::string what) { return {errc::invalid_argument, std::move(what), 0, 0}; }
failure too_long(const std::string& name) {
    return invalid_entry("a name of " + std::to_string(name.size()) + " bytes; " + std::to_string(longest_name) +
                   " at most");
}

}  // namespace

void system_offering::add(const port_reservation& r, std::string name, failure& f) noexcept {
    guarded(f, [&] { put(r, std::move(name), f); });
}

void system_offering::put(const port_reservation& r, std::string name, failure& f) {
    if (is_forked(f)) return;
    const auto& core = reservation_core::of(r);
    if (!r) f = {errc::reservation_released, "'" + name + "': nothing is reserved", 0, 0};
    if (core != nullptr && core->source() != nullptr) {
        f = {errc::operation_not_supported,
             "'" + name + "': a share of a persistent block does not pass on; the successor opens its own", 0, 0};
    }
    if (core != nullptr && core->request().sessions_per_port != 1) {
        f = {errc::operation_not_supported,
             "'" + name + "': a block with sessions_per_port " + std::to_string(core->request().sessions_per_port) +
                 " is not handed over; the successor reserves its own",
             0, 0};
    }
    if (core != nullptr && !core->request().device.empty()) {
        f = {errc::operation_not_supported,
             "'" + name + "': a block on device '" + core->request().device +
                 "' is not handed over; the successor reserves its own",
             0, 0};
    }
    if (name.size() > longest_name) f = too_long(name);
    for (const auto& e : entries_) {
        if (e.name == name || e.core == core) f = invalid_entry("'" + name + "' is offered already");
    }
    if (stage_ != stage::idle) f = invalid_entry("'" + name + "': a hand-over is under way, or over");
    if (!f) entries_.push_back({std::move(name), core});
}

void system_offering::serve(const port_reservation& r, transport protocol, std::uint16_t port, std::string name,
                            failure& f) noexcept {
    guarded(f, [&] { name_port(r, protocol, port, std::move(name), f); });
}

void system_offering::name_port(const port_reservation& r, transport protocol, std::uint16_t port, std::string name,
                                failure& f) {
    if (is_forked(f)) return;
    auto* const core = reservation_core::of(r).get();
    const bool is_offered = core != nullptr && std::any_of(entries_.begin(), entries_.end(),
                                                           [&](auto& e) { return e.core.get() == core; });
    port_lane* const lane = is_offered ? core->lane(protocol) : nullptr;
    if (!is_offered) {
        f = invalid_entry("'" + name + "': its reservation is not offered; add it first");
    } else if (lane == nullptr) {
        f = {errc::protocol_mismatch, "'" + name + "': the reservation has no such protocol", 0, port};
    } else if (!core->block().contains(port)) {
        f = {errc::port_outside_block, "'" + name + "': port " + std::to_string(port) + " is not one of the block's",
             0, port};
    } else if (name.size() > longest_name) {
        f = too_long(name);
    }
    if (f) return;
    const std::uint32_t index = std::uint32_t{port} - core->block().first;
    std::erase_if(names_, [&](const named& n) { return n.lane == lane && n.index == index; });
    names_.push_back({lane, index, lane->loan(index), std::move(name)});
}

}  // namespace berth::detail
