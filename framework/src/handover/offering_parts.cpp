// What goes across, message by message: each reservation, its lanes, their sockets, the names of those served with.
#include "handover/offering.hpp"

#include <algorithm>

namespace berth::detail {
namespace {

using platform::native_socket;

constexpr std::uint32_t names_of_message = 100;
constexpr std::uint32_t ports_of_message = platform::most_descriptors_of_message / 3;
constexpr std::size_t most_priors = 100;

}  // namespace

std::vector<system_offering::named> system_offering::names_of(const port_lane* lane) const {
    std::vector<named> out;
    for (const auto& n : names_) {
        if (n.lane == lane && lane->is_open(n.index) && lane->loan(n.index) == n.loan) out.push_back(n);
    }
    return out;
}

void system_offering::plan() {
    steps_.clear();
    next_ = 0;
    for (std::size_t r = 0; r < under_way_.size(); ++r) {
        steps_.push_back({handover_part::reservation, r, 0, 0, 0});
        const std::uint32_t count = under_way_[r].core->block().count;
        for (std::size_t l = 0; l < under_way_[r].lanes.size(); ++l) {
            steps_.push_back({handover_part::lane, r, l, 0, count});
            for (std::uint32_t from = 0; from < count; from += ports_of_message) {
                steps_.push_back({handover_part::sockets, r, l, from, std::min(ports_of_message, count - from)});
            }
            // What is named is settled here: a name that comes later is for the next successor.
            auto& lane = under_way_[r].lanes[l];
            lane.names = names_of(lane.lane);
            const auto names = static_cast<std::uint32_t>(lane.names.size());
            for (std::uint32_t from = 0; from < names; from += names_of_message) {
                steps_.push_back({handover_part::names, r, l, from, std::min(names_of_message, names - from)});
            }
        }
    }
}

void system_offering::send_offer() {
    std::uint64_t descriptors = 0;
    for (const auto& u : under_way_) {
        for (const auto& l : u.lanes) {
            descriptors += 3 + 2 * l.priors.size();
            const bool is_split = l.lane->sockets(0).other_holder >= 0;
            descriptors += std::uint64_t{u.core->block().count} * (is_split ? 3 : 2);
            if (l.priors.size() <= most_priors) continue;
            return refuse({errc::too_many_files,
                           std::to_string(l.priors.size()) + " earlier processes still serve with ports of '" +
                               u.name + "'; wait for some to end",
                           0, 0});
        }
    }
    const bool has_process = door_->process() >= 0;
    handover_writer out(handover_verb::offer);
    out.put(handover_version);
    out.put(static_cast<std::uint32_t>(steps_.size()));
    out.put(descriptors);
    out.put(static_cast<std::uint8_t>(has_process));
    const native_socket along[] = {door_->listener(), door_->process()};
    answer(out, std::span(along).first(has_process ? 2 : 1));
}

void system_offering::send_part() {
    if (next_ == steps_.size()) {
        answer(handover_writer(handover_verb::end));
        return;
    }
    const step s = steps_[next_++];
    switch (s.part) {
        case handover_part::reservation:
            return send_reservation(s);
        case handover_part::lane:
            return send_lane(s);
        case handover_part::sockets:
            return send_sockets(s);
        case handover_part::names:
            return send_names(s);
    }
}

void system_offering::send_reservation(const step& s) {
    const auto& u = under_way_[s.reservation];
    handover_writer out(handover_verb::part);
    out.put(s.part);
    out.put(u.name);
    put_request(out, u.core->request());
    out.put(u.core->network());
    answer(out);
}

void system_offering::send_lane(const step& s) {
    const auto& l = under_way_[s.reservation].lanes[s.lane];
    const auto parking = l.lane->block().parking();
    std::vector<native_socket> along{l.board->memory()};
    if (parking.table >= 0) along.insert(along.end(), {parking.table, parking.program});
    for (const auto& p : l.priors) along.insert(along.end(), {p.line->descriptor(), p.board->memory()});
    handover_writer out(handover_verb::part);
    out.put(s.part);
    out.put(static_cast<std::uint8_t>(parking.table >= 0));
    out.put(static_cast<std::uint32_t>(l.priors.size()));
    answer(out, along);
}

// A descriptor that a worker closed is none of ours to send, whatever its number names by now.
void system_offering::send_sockets(const step& s) {
    port_lane& lane = *under_way_[s.reservation].lanes[s.lane].lane;
    std::vector<native_socket> along;
    handover_writer out(handover_verb::part);
    out.put(s.part);
    out.put(s.from);
    out.put(s.count);
    for (std::uint32_t i = s.from; i < s.from + s.count; ++i) {
        auto sockets = lane.sockets(i);
        if (!lane.block().has_session(i)) sockets.session = -1;
        out.put(lane.block().cookie(i));
        std::uint8_t present = 0, bit = 1;
        for (const auto fd : {sockets.holder, sockets.session, sockets.other_holder}) {
            if (fd >= 0) present |= bit, along.push_back(fd);
            bit = static_cast<std::uint8_t>(bit << 1);
        }
        out.put(present);
    }
    answer(out, along);
}

void system_offering::send_names(const step& s) {
    const auto& names = under_way_[s.reservation].lanes[s.lane].names;
    handover_writer out(handover_verb::part);
    out.put(s.part);
    out.put(s.count);
    for (std::size_t i = s.from; i < s.from + s.count; ++i) {
        out.put(names[i].index);
        out.put(names[i].name);
    }
    answer(out);
}

}  // namespace berth::detail
