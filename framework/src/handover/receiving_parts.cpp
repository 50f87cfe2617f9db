// How everything comes across to the successor, and what is looked at before it is believed.
#include "handover/receiving.hpp"
#include "reserve_steps.hpp"

#include <algorithm>

namespace berth::detail {
namespace {

using platform::line_state;

constexpr std::uint64_t spare_descriptors = 16;

failure broken() {
    return {errc::system_failure, "what offers ports there does not speak as a predecessor should", 0, 0};
}

failure silence_of(line_state state, std::chrono::milliseconds patience) {
    switch (state) {
        case line_state::gone:
            return {errc::operation_aborted, "the predecessor ended the hand-over; its log says why", 0, 0};
        case line_state::late:
            return {errc::operation_aborted,
                    "the predecessor did not answer within " + std::to_string(patience.count()) + " ms", 0, 0};
        case line_state::crowded: {
            std::uint64_t open = 0, limit = 0;
            platform::count_descriptors(open, limit);
            return {errc::too_many_files,
                    std::to_string(open) + " descriptors are open and RLIMIT_NOFILE allows " + std::to_string(limit) +
                        ": there is no room for those of the predecessor; raise it (ulimit -n, LimitNOFILE=)",
                    0, 0};
        }
        default:
            return {errc::system_failure, "the connection to the predecessor failed", 0, 0};
    }
}

bool is_one_of(const reservation_request& r) {
    return r.family <= address_family::dual && r.use <= tcp_use::connect &&
           r.order <= draw_order::first_in_first_out && r.park <= parking::system_calls && !r.block.is_wildcard() &&
           !check_request(r);
}

}  // namespace

bool system_receiving::ask(const handover_writer& request, platform::handover_message& answer, failure& f) {
    handover_step("asking");
    const auto until = std::chrono::steady_clock::now() + patience_;
    auto state = line_->send(request.bytes(), {}, until);
    // Whoever refuses says so and hangs up: what it said is there although nothing can be sent any more.
    if (state == line_state::fine || state == line_state::gone) state = line_->receive(answer, until);
    handover_step("answered");
    if (state == line_state::fine) return true;
    f = silence_of(state, patience_);
    return false;
}

bool system_receiving::hear_offer(failure& f) {
    handover_writer hello(handover_verb::hello);
    hello.put(handover_version);
    platform::handover_message m;
    if (!ask(hello, m, f)) return false;
    handover_reader in(m);
    if (in.verb() == handover_verb::no) return f = refusal_of(in, "the predecessor"), false;
    const auto version = in.get<std::uint32_t>();
    parts_ = in.get<std::uint32_t>();
    const auto descriptors = in.get<std::uint64_t>();
    const bool has_process = in.get<std::uint8_t>() != 0;
    if (in.verb() != handover_verb::offer || !in.is_all() || version != handover_version ||
        m.descriptors.size() != (has_process ? 2U : 1U)) {
        return f = broken(), false;
    }
    listener_ = std::move(m.descriptors[0]);
    if (has_process) process_ = std::move(m.descriptors[1]);
    return check_room(descriptors, f);
}

bool system_receiving::check_room(std::uint64_t descriptors, failure& f) const {
    std::uint64_t open = 0, limit = 0;
    platform::count_descriptors(open, limit);
    const std::uint64_t needed = descriptors + spare_descriptors;
    if (open <= limit && needed <= limit - open) return true;
    f = {errc::too_many_files,
         "the ports of the predecessor need " + std::to_string(needed) + " descriptors, " + std::to_string(open) +
             " are open and RLIMIT_NOFILE allows " + std::to_string(limit) +
             "; raise it (ulimit -n, LimitNOFILE=); the predecessor goes on",
         0, 0};
    return false;
}

bool system_receiving::fetch(failure& f) {
    const handover_writer next(handover_verb::next);
    for (std::uint32_t i = 0; i <= parts_; ++i) {
        platform::handover_message m;
        if (!ask(next, m, f)) return false;
        handover_reader in(m);
        if (in.verb() == handover_verb::no) return f = refusal_of(in, "the predecessor"), false;
        if (in.verb() == handover_verb::end) break;
        if (in.verb() != handover_verb::part || !hear_part(m, f)) {
            if (!f) f = broken();
            return false;
        }
    }
    const bool is_whole = std::all_of(coming_.begin(), coming_.end(), [](const coming& c) {
        return c.lanes_begun == c.lanes.size() && std::all_of(c.lanes.begin(), c.lanes.end(), [&](const auto& l) {
                   return l.sockets.size() == c.request.block.count;
               });
    });
    if (!is_whole) f = broken();
    return is_whole;
}

bool system_receiving::hear_part(platform::handover_message& m, failure& f) {
    handover_reader in(m);
    switch (in.get<handover_part>()) {
        case handover_part::reservation:
            return hear_reservation(in, f);
        case handover_part::lane:
            return hear_lane(in, m);
        case handover_part::sockets:
            return hear_sockets(in, m);
        case handover_part::names:
            return hear_names(in);
    }
    return false;
}

bool system_receiving::hear_reservation(handover_reader& in, failure& f) {
    coming c;
    c.name = in.text();
    c.request = get_request(in);
    c.network = in.get<std::uint64_t>();
    if (!in.is_all() || !is_one_of(c.request)) return false;
    error_code unknown;
    const auto ours = platform::system_provider().network_namespace(unknown);
    if (unknown) {
        f = no_name_of_namespace(unknown);
        return false;
    }
    if (c.network != ours) {
        f = {errc::wrong_namespace, "'" + c.name + "' is in another network namespace than this process", 0, 0};
        return false;
    }
    for (const auto kind : kinds_of(c.request)) {
        c.lanes.emplace_back();
        c.lanes.back().kind = kind;
    }
    coming_.push_back(std::move(c));
    return true;
}

system_receiving::coming_lane* system_receiving::current_lane() noexcept {
    if (coming_.empty() || coming_.back().lanes_begun == 0) return nullptr;
    return &coming_.back().lanes[coming_.back().lanes_begun - 1];
}

bool system_receiving::hear_lane(handover_reader& in, platform::handover_message& m) {
    const bool has_filter = in.get<std::uint8_t>() != 0;
    const auto priors = in.get<std::uint32_t>();
    const std::size_t first_prior = has_filter ? 3 : 1;
    if (coming_.empty() || coming_.back().lanes_begun == coming_.back().lanes.size() || !in.is_all() ||
        m.descriptors.size() != first_prior + 2 * std::size_t{priors}) {
        return false;
    }
    const std::uint32_t count = coming_.back().request.block.count;
    const auto board_of = [&](platform::handed_descriptor& fd) {
        auto board = platform::handover_board::open(fd.get(), count);
        if (board) fd.release();
        return board;
    };
    auto& lane = coming_.back().lanes[coming_.back().lanes_begun++];
    lane.board = board_of(m.descriptors[0]);
    if (has_filter) lane.parking = {std::move(m.descriptors[1]), std::move(m.descriptors[2])};
    for (std::size_t at = first_prior; at < m.descriptors.size(); at += 2) {
        auto line = std::make_shared<platform::handover_line>(std::move(m.descriptors[at]));
        lane.priors.push_back({board_of(m.descriptors[at + 1]), std::move(line)});
        if (!lane.priors.back().board) return false;
    }
    return lane.board != nullptr;
}

bool system_receiving::hear_sockets(handover_reader& in, platform::handover_message& m) {
    coming_lane* const lane = current_lane();
    const auto from = in.get<std::uint32_t>();
    const auto count = in.get<std::uint32_t>();
    if (lane == nullptr || from != lane->sockets.size() || count > coming_.back().request.block.count - from) {
        return false;
    }
    std::size_t at = 0;
    for (std::uint32_t i = 0; i < count && in.is_whole(); ++i) {
        lane->cookies.push_back(in.get<std::uint64_t>());
        const auto present = in.get<std::uint8_t>();
        auto& port = lane->sockets.emplace_back();
        for (std::size_t which = 0; which < 3; ++which) {
            if ((present & (1U << which)) == 0) continue;
            if (at == m.descriptors.size()) return false;
            port[which] = std::move(m.descriptors[at++]);
        }
        if (port[0].get() < 0 || (port[2].get() < 0) != (lane->sockets.front()[2].get() < 0)) return false;
    }
    return in.is_all() && at == m.descriptors.size();
}

bool system_receiving::hear_names(handover_reader& in) {
    coming_lane* const lane = current_lane();
    const auto count = in.get<std::uint32_t>();
    for (std::uint32_t i = 0; i < count && in.is_whole(); ++i) {
        const auto index = in.get<std::uint32_t>();
        auto name = in.text();
        if (lane == nullptr || index >= coming_.back().request.block.count) return false;
        if (std::find(lane->serving.begin(), lane->serving.end(), index) != lane->serving.end()) return false;
        lane->serving.push_back(index);
        lane->names.push_back(std::move(name));
    }
    return lane != nullptr && in.is_all();
}

}  // namespace berth::detail
