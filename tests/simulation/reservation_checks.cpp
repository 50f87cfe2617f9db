// What must hold after every step.
//
//  - the books: available + taken + open + draining + cooling + condemned = the block's size; takes less those out =
//    gives back; as many open as the world knows to be out
//  - no port has two owners, and each that is out is audible, on its own session socket
//  - the kernel's holders are those of the blocks that are held and of the ports that a release detached: no others
//  - the kernel has no complaint (no verb on a port in the wrong state, dropped twice, not held ...)
#include "simulation/reservation_world.hpp"

#include <algorithm>

namespace berth::simulation {

std::uint16_t reservation_world::number_of(const handle& port) {
    return std::visit([](const auto& p) { return p.port(); }, port);
}

native_handle_type reservation_world::descriptor_of(const handle& port) {
    return std::visit(
        [](const auto& p) -> native_handle_type {
            if constexpr (requires { p.io_handle(); }) {
                return p.io_handle();
            } else {
                return (*p).number();
            }
        },
        port);
}

void reservation_world::note_end(const block& b) {
    const auto s = b.core->statistics();
    marks_(reached::renewed, s.renewed);
    marks_(reached::open_failed, s.open_failures);
    marks_(reached::not_silent, s.not_silent);
}

// Also callers' sockets that are closed, once the library is seen to know.
void reservation_world::forget_ended() {
    for (const auto& b : blocks_) {
        if (!b->is_held()) continue;
        for (const auto& lane : b->core->lanes()) {
            const bool is_tcp = lane->kind() != platform::port_kind::udp;
            const auto is_here = [&](const auto& x) { return x == b; };
            std::uint32_t live = 0, dead = 0;
            for (const auto& l : loans_) live += is_here(l.of) && l.is_tcp == is_tcp;
            for (const auto& c : copies_) {
                if (is_here(c.bound_to) && c.is_tcp == is_tcp) ++(c.number >= 0 ? live : dead);
            }
            if (dead == 0 || lane->out() != live) continue;
            std::erase_if(copies_,
                          [&](const auto& c) { return is_here(c.bound_to) && c.is_tcp == is_tcp && c.number < 0; });
        }
    }
    std::erase_if(blocks_, [&](const auto& b) { return !b->is_held() && (note_end(*b), true); });
    std::erase_if(copies_, [](const auto& c) { return c.number < 0 && (!c.bound_to || !c.bound_to->is_held()); });
}

std::string reservation_world::check_lane(const block& b, detail::port_lane& lane, std::uint32_t& holders) const {
    reservation_statistics s;
    lane.add_to(s);
    const bool is_tcp = lane.kind() != platform::port_kind::udp;
    const auto& counts = s.ports;
    if (counts.total() != lane.indices()) {
        return "books: " + std::to_string(counts.total()) + " ports of " + std::to_string(lane.indices()) +
               " are accounted for";
    }
    if (lane.available() != counts.available) return "books: the claims and the states differ";
    if (counts.taken != 0) return "books: a port stays taken";
    std::uint32_t handles = 0, live_callers = 0, callers = 0;
    for (const auto& l : loans_) handles += l.of.get() == &b && l.is_tcp == is_tcp;
    for (const auto& c : copies_) {
        const bool here = c.bound_to.get() == &b && c.is_tcp == is_tcp;
        live_callers += here && c.number >= 0;
        callers += here;
    }
    if (counts.open < handles + live_callers || counts.open > handles + callers) {
        return "books: " + std::to_string(counts.open) + " open, but " + std::to_string(handles) + " handles and " +
               std::to_string(live_callers) + " callers' sockets are out";
    }
    if (s.takes - s.gives_back != counts.open) return "books: takes less gives_back is not what is out";
    // A refused tuple rests, and is in use as long as its session socket is not back.
    if (s.outbound.in_use > counts.open + counts.draining + counts.cooling + s.outbound.resting) {
        return "tuples: " + std::to_string(s.outbound.in_use) + " in use, more than ports are out";
    }
    holders += lane.indices() / lane.core().request().sessions_per_port;
    return {};
}

std::string reservation_world::check() const {
    if (kernel_.has_complaints()) return "complaint: " + kernel_.complaints().front();
    std::uint32_t holders = 0;
    for (const auto& b : blocks_) {
        if (!b->is_held()) continue;
        for (const auto& lane : b->core->lanes()) {
            if (auto broke = check_lane(*b, *lane, holders); !broke.empty()) return broke;
        }
    }
    std::vector<std::pair<bool, std::uint16_t>> detached;
    for (std::size_t i = 0; i < loans_.size(); ++i) {
        const auto& l = loans_[i];
        if (number_of(l.port) != l.number) return "owner: a handle's port changed";
        if (!l.of->is_held()) detached.emplace_back(l.is_tcp, l.number);
        for (std::size_t j = 0; j < i; ++j) {
            if (loans_[j].inode == l.inode) return "owner: port " + std::to_string(l.number) + " has two owners";
        }
        if (l.is_lost) continue;
        const auto number = descriptor_of(l.port);
        if (number >= 0 && const_cast<test::simulated_provider&>(kernel_).inode_of(number) != l.inode) {
            return "owner: the handle of port " + std::to_string(l.number) + " names another socket";
        }
    }
    std::sort(detached.begin(), detached.end());
    holders += static_cast<std::uint32_t>(std::unique(detached.begin(), detached.end()) - detached.begin());
    const std::uint32_t held = kernel_.holders();
    if (held != holders && (under_way_ == nullptr || held < holders)) {
        return "holders: the kernel has " + std::to_string(held) + ", the library claims " + std::to_string(holders);
    }
    return {};
}

}  // namespace berth::simulation
