// The world's beginning, its dispatch of steps, the chance that strikes, its restart and its end.
#include "simulation/reservation_world.hpp"

#include "simulation/seeded_bytes.hpp"
#include "simulation/virtual_clock.hpp"

#include <berth/log.hpp>

#include <algorithm>

namespace berth::simulation {

using namespace std::chrono_literals;

std::span<const step_kind> reservation_steps() noexcept {
    static constexpr step_kind kinds[] = {{"reserve", 10},     {"begin_reserve", 4}, {"turn", 10},
                                          {"stop_reserve", 1}, {"take", 40},         {"take_port", 10},
                                          {"take_pair", 6},    {"take_run", 6},      {"take_socket", 16},
                                          {"take_toward", 10}, {"give_back", 70},    {"lend", 5},
                                          {"duplicate", 6},    {"close_copy", 10},   {"close_behind", 5},
                                          {"bind", 10},        {"caller_closes", 4}, {"caller_gives_back", 4},
                                          {"packet", 15},      {"pass_time", 16},    {"stranger", 4},
                                          {"event_queue", 2},  {"reclaim", 6},       {"release", 3},
                                          {"release_some", 2}, {"drop", 1},          {"restart", 1}};
    return kinds;
}

std::span<const char* const> reservation_marks() noexcept {
    static constexpr const char* names[] = {
        "reserved",       "reserve_refused", "in_turns",      "waited",       "stopped",
        "drawn",          "exhausted",       "pair",          "run",          "toward",
        "condemned",      "renewed",         "open_failed",   "rested",       "not_silent",
        "exposed_back",   "lost_back",       "detached_back", "hand_over",    "hand_over_refused",
        "busy",           "detached",        "released",      "wildcard",     "several_sessions",
        "both_protocols", "fault",           "restarted",     "refused_tuple"};
    return names;
}

reservation_world::reservation_world(std::uint64_t seed, tally& marks) : marks_(marks), random_(seed) {
    virtual_clock::set(virtual_clock::beginning);
    constexpr std::uint32_t rates[] = {0, 20, 150};
    fault_rate_ = rates[random_.below(3)];
    most_blocks_ = 1 + random_.below(3);
    kernel_.set_faults(this);
    if (random_.chance(700)) kernel_.reuse_numbers();
    set_log_sink(
        [](log_level, std::string_view, void* self) noexcept { ++static_cast<reservation_world*>(self)->warnings_; },
        this);
}

reservation_world::~reservation_world() {
    loans_.clear();
    under_way_.reset();
    blocks_.clear();
    set_log_sink(nullptr);
}

errc reservation_world::strikes(at where, std::uint16_t) noexcept {
    if (where == at::wait) return random_.chance(300) ? errc::system_failure : errc{};
    if (!is_faulty_ || !random_.chance(where == at::hold ? 80 : 400)) return errc{};
    ++struck_;
    marks_(reached::fault);
    switch (where) {
        case at::prepare:
        case at::duplicate:
            return errc::too_many_files;
        case at::hold: {
            constexpr errc causes[] = {errc::too_many_files, errc::no_memory, errc::system_failure};
            return causes[random_.below(3)];
        }
        case at::seal:
            return errc::block_unavailable;
        case at::hand_over:
            return errc::option_refused;
        default:
            return errc::system_failure;
    }
}

std::shared_ptr<reservation_world::block> reservation_world::pick(std::uint32_t n) const {
    return blocks_.empty() ? nullptr : blocks_[n % blocks_.size()];
}

outcome reservation_world::go(const step& s) {
    random_ = seeded_random(s.seed);
    seeded_bytes::seed(s.seed);
    is_faulty_ = random_.chance(fault_rate_);
    struck_ = 0;
    acted_ = false;
    outcome o;
    o.broke = act(s, o.did);
    o.acted = acted_;
    is_faulty_ = false;
    if (o.broke.empty()) o.broke = check();
    forget_ended();
    return o;
}

std::string reservation_world::act(const step& s, bool& did) {
    using namespace reservation_step;
    switch (static_cast<kind>(s.what)) {
        case kind::reserve:
            did = blocks_.size() < most_blocks_;
            return did ? reserve(s) : std::string();
        case kind::begin_reserve:
            did = under_way_ == nullptr && blocks_.size() < most_blocks_;
            if (did) begin_reserve(s);
            return {};
        case kind::turn:
            did = under_way_ != nullptr;
            return did ? turn(s) : std::string();
        case kind::stop_reserve:
            did = under_way_ != nullptr;
            if (did) under_way_->turns->cancel(), marks_(reached::stopped);
            return {};
        case kind::take:
        case kind::take_port:
            return take(s, did);
        case kind::take_pair:
        case kind::take_run:
            return take_many(s, did);
        case kind::take_socket:
            return take_socket(s, did);
        case kind::take_toward:
            return take_toward(s, did);
        case kind::give_back:
        case kind::lend:
        case kind::duplicate:
            return give_back(s, did);
        case kind::close_behind:
            return close_behind(s), std::string();
        case kind::close_copy:
            return close_copy(s), std::string();
        case kind::associate_bind:
            return associate_bind(s, did);
        case kind::caller_closes:
        case kind::caller_gives_back:
            return caller_ends(s, did);
        case kind::packet:
            acted_ = true;
            {
                const std::pair<bool, std::uint16_t> to(s.with[1] % 2 != 0, first_port + s.with[0] % port_count);
                kernel_.deliver(to.first, to.second);
                packets_[to] = virtual_clock::now();
            }
            return {};
        case kind::pass_time:
            acted_ = true;
            virtual_clock::pass(s.with[0] % 8 == 0   ? 31s
                                : s.with[0] % 8 == 1 ? 61s
                                                     : std::chrono::nanoseconds(s.with[0] % 60'000 * 1000));
            return {};
        case kind::stranger:
            return change_strangers(s), std::string();
        case kind::event_queue:
            if (loans_.empty()) return {};
            if (const auto& l = loans_[s.with[0] % loans_.size()];
                l.is_exposed && l.of->core->request().sessions_per_port == 1) {
                acted_ = kernel_.port(l.is_tcp, l.number).event_queue_names = true;
            }
            return {};
        case kind::reclaim: {
            const auto b = pick(s.with[0]);
            did = b != nullptr;
            if (did) note(b->owner.reclaim());
            return {};
        }
        case kind::release:
            return release(s, did);
        case kind::release_some: {
            const auto b = pick(s.with[0]);
            did = b != nullptr && b->is_held();
            return did ? release_some(*b) : std::string();
        }
        case kind::drop:
            return drop(s, did);
        case kind::restart:
            return did = true, restart();
    }
    return {};
}

void reservation_world::change_strangers(const step& s) {
    const std::pair<bool, std::uint16_t> who(s.with[1] % 2 != 0, first_port + s.with[0] % port_count);
    if (const auto there = std::find(strangers_.begin(), strangers_.end(), who); there != strangers_.end()) {
        kernel_.vacate(who.first, who.second);
        strangers_.erase(there);
    } else if (kernel_.is_free(who.first, who.second)) {
        kernel_.occupy(who.first, who.second, s.with[2] % 2 != 0);
        strangers_.push_back(who);
    } else {
        return;
    }
    acted_ = true;
}

// The process ends, and the next one begins over the same kernel: it has nothing of the former one's.
std::string reservation_world::restart() {
    marks_(reached::restarted);
    const std::uint32_t order = random_.below(2);
    if (order == 0) loans_.clear();
    under_way_.reset();
    for (const auto& b : blocks_) b->owner = port_reservation(), note_end(*b);
    loans_.clear();
    blocks_.clear();
    returns_.clear();
    for (auto& c : copies_) kernel_.close(c.number);
    copies_.clear();
    if (kernel_.has_complaints()) return "complaint: " + kernel_.complaints().front();
    if (kernel_.holders() != 0) return "holders: " + std::to_string(kernel_.holders()) + " are left after the end";
    if (kernel_.sockets() != 0)
        return "descriptors: " + std::to_string(kernel_.sockets()) + " are left after the end";
    return {};
}

std::string reservation_world::end() { return restart(); }

}  // namespace berth::simulation
