// The process's beginning and end, the dispatch of steps, and the loops' turns.
#include "simulation/serving_world.hpp"

#include "simulation/virtual_clock.hpp"

#include <berth/log.hpp>

#include <algorithm>

namespace berth::simulation {

using namespace std::chrono_literals;

std::span<const step_kind> serving_steps() noexcept {
    static constexpr step_kind kinds[] = {
        {"reserve", 10},  {"make_server", 16}, {"listen", 24},     {"start", 20},     {"stop", 3},
        {"leave", 2},     {"end_server", 2},   {"write", 40},      {"finish", 5},     {"close", 5},
        {"reset", 3},     {"start_pool", 16},  {"stop_pool", 4},   {"close_pool", 2}, {"new_pool", 5},
        {"open", 36},     {"open_pair", 6},    {"open_on_all", 8}, {"give_back", 24}, {"close_behind", 3},
        {"client", 70},   {"bytes", 70},       {"end_stream", 14}, {"datagram", 24},  {"descriptors", 4},
        {"end_waits", 8}, {"run", 60},         {"run_some", 40},   {"pass_time", 5},  {"restart", 1}};
    return kinds;
}

std::span<const char* const> serving_marks() noexcept {
    static constexpr const char* names[] = {
        "started", "start_failed", "opened", "read", "end_of_stream", "written", "above_high", "drained", "finished",
        "aborted", "first_byte", "idle", "total", "write_timeout", "cut", "handler_failed", "refused_by_limit",
        "refused_by_address", "backed_off", "stopped", "stopped_by_deadline", "left", "server_ended", "pool_started",
        "pool_refused", "pool_stopped", "pool_closed", "taken", "exhausted", "grown", "not_grown", "pair", "on_all",
        "received", "accepted", "ran_dry", "by_coroutine", "ended_by_run", "ended_by_destruction",
        // the model's
        "delayed", "short_transfer", "fault", "dropped_by_quiet", "no_descriptors"};
    static_assert(std::size(names) == static_cast<std::size_t>(serving_mark::marks) + 5);
    return names;
}

serving_world::serving_world(std::uint64_t seed, tally& reached) : backend_world(seed, reached) {
    virtual_clock::set(virtual_clock::beginning);
    constexpr std::uint32_t rates[] = {0, 0, 20, 150};
    fault_rate_ = rates[random_.below(4)];
    chances_.fault_rate = fault_rate_;
    chances_.delay_rate = rates[random_.below(4)] * 3;
    shard_count_ = 1 + random_.below(3);
    is_embedded_ = shard_count_ > 1 || random_.chance(500);
    kernel_.set_faults(this);
    if (random_.chance(800)) kernel_.reuse_numbers();
    model_backend::install(&chances_);
    set_log_sink(nullptr);
    begin_process();
}

serving_world::~serving_world() {
    ledger_.may_drop(true);
    destroy_process();
    model_backend::install(nullptr);
}

void serving_world::begin_process() {
    shards_ = std::make_unique<shards>(shards_options{.count = shard_count_, .context = {}});
    for (std::size_t i = 0; i < shard_count_ && is_embedded_; ++i) (void)(*shards_)[i].native_wait_handle();
    rooms_ = {}, doors_ = {};
}

void serving_world::destroy_process() {
    is_ending_ = true;
    for (auto& t : talks_) t.handle.reset();
    for (auto& v : services_) v.running.reset();
    guests_.clear();
    const bool pools_first = random_.chance(500);
    if (pools_first) rooms_.it.reset(), doors_.it.reset();
    doors_block_ = {};
    rooms_.it.reset(), doors_.it.reset();
    for (auto& t : talks_) t.handle.reset();
    shards_.reset();
    talks_.clear(), by_remote_.clear(), services_.clear();
    session_at_.clear(), detached_.clear();
    is_ending_ = false;
}

std::string serving_world::act(const step& s, bool& did) {
    using namespace serving_step;
    service* const v = serving();
    const bool is_of_rooms = s.with[0] % 2 == 0;
    switch (static_cast<kind>(s.what)) {
        case kind::reserve:
            did = !doors_block_;
            if (did) reserve(s);
            return {};
        case kind::make_server:
            did = v == nullptr && services_.size() < 4;
            if (did) make_server(s);
            return {};
        case kind::listen:
            did = v != nullptr && doors_block_ && v->doors.size() < 2;
            if (did) listen(*v, s);
            return {};
        case kind::start:
            did = v != nullptr && (!v->doors.empty() || s.with[0] % 8 == 0);
            if (did) start(*v);
            return {};
        case kind::stop:
        case kind::leave:
            did = v != nullptr && ledger_.pending() < 60;
            if (did) stop(*v, s);
            return {};
        case kind::end_server:
            did = v != nullptr;
            if (did) v->running.reset(), v->is_stopping = true, reached_(serving_mark::server_ended);
            return {};
        case kind::write:
        case kind::finish:
        case kind::close:
        case kind::reset:
            return speak(s, did), std::string();
        case kind::start_pool:
            did = ledger_.pending() < 60;
            if (did) is_of_rooms ? start_pool(rooms_) : start_pool(doors_);
            return {};
        case kind::stop_pool:
        case kind::close_pool:
            did = is_of_rooms ? rooms_.it != nullptr : doors_.it != nullptr;
            if (did && is_of_rooms) end_pool(rooms_, s.what == kind::stop_pool);
            if (did && !is_of_rooms) end_pool(doors_, s.what == kind::stop_pool);
            return {};
        case kind::new_pool:
            did = true;
            is_of_rooms ? make_pool(rooms_, s, room_port) : make_pool(doors_, s, door_port);
            return {};
        case kind::open:
        case kind::open_pair:
        case kind::open_on_all:
            did = guests_.size() < 12;
            if (did) s.what == kind::open_pair || (s.what == kind::open && is_of_rooms) ? open_room(s) : open_door(s);
            return {};
        case kind::give_back:
            did = !guests_.empty();
            if (did) give_back(s.with[0] % guests_.size());
            return {};
        case kind::close_behind:
            did = !guests_.empty();
            if (did) close_behind(*guests_[s.with[0] % guests_.size()]);
            return {};
        case kind::client:
        case kind::bytes:
        case kind::end_stream:
        case kind::datagram:
            return arrive(s), std::string();
        case kind::descriptors:
            acted_ = true;
            most_sockets_ = s.with[0] % 2 == 0 ? test::simulated_provider::never : kernel_.sockets() + s.with[1] % 3;
            return kernel_.limit_sockets(most_sockets_), std::string();
        case kind::end_waits:
            acted_ = kernel_.end_waits() != 0;
            return {};
        case kind::run: {
            did = true;
            constexpr std::uint32_t spans[] = {1, 12, 60, 60, 1500};
            run_for(std::chrono::milliseconds(spans[s.with[0] % 5]));
            return s.with[0] % 5 > 1 ? check_ran() : std::string();
        }
        case kind::run_some:
            did = true;
            for (std::uint32_t i = 0; i <= s.with[0] % 4u; ++i) {
                io_context& context = (*shards_)[(s.with[1] + i) % shard_count_];
                if (context.stopped()) context.restart();
                note(context.poll_one());
            }
            return {};
        case kind::pass_time: {
            const auto span = std::chrono::microseconds(s.with[0] % 20'000);
            for (auto& t : talks_) t.late += span + (t.by != nullptr ? t.by->options.tick : 0ms);
            for (auto& one : services_) {
                if (one.stops_by != clock::time_point::max()) one.stops_by += span;
            }
            return acted_ = true, virtual_clock::pass(span), std::string();
        }
        case kind::restart: {
            did = true;
            auto broke = end_process(s.with[0] % 2 == 0);
            begin_process();
            return broke;
        }
    }
    return {};
}

// A loop is polled if its handle can be read, or if its timer has come.
std::size_t serving_world::poll_all() {
    std::size_t polled = 0;
    const std::size_t from = random_.below(static_cast<std::uint32_t>(shard_count_));
    for (std::size_t n = 0; n < shard_count_; ++n) {
        const std::size_t i = (from + n) % shard_count_;
        io_context& context = (*shards_)[i];
        if (!model_backend::all()[i]->is_readable() && context.next_due() > clock::now()) continue;
        if (context.stopped()) context.restart();
        note(context.poll());
        ++polled;
    }
    return polled;
}

void serving_world::run_for(clock::duration span) {
    const auto until = clock::now() + span;
    if (!is_embedded_) {
        io_context& context = (*shards_)[0];
        if (context.stopped()) context.restart();
        note(context.run_until(until));
        if (clock::now() < until) virtual_clock::set(until.time_since_epoch().count());
        return;
    }
    for (std::size_t turns = 0;; ++turns) {
        if (turns > 100'000) return break_rule("spin: the loops find no rest");
        if (poll_all() != 0) continue;
        auto next = clock::time_point::max();
        for (std::size_t i = 0; i < shard_count_; ++i) {
            next = std::min({next, (*shards_)[i].next_due(), model_backend::all()[i]->next_event()});
        }
        virtual_clock::set(std::min(next, until).time_since_epoch().count());
        if (next > until) return;
    }
}

// Everything is told to end, and either the loops run until it has, or all goes over what is under way.
std::string serving_world::end_process(bool by_run) {
    if (by_run) {
        is_ending_ = true;
        kernel_.limit_sockets(test::simulated_provider::never);
        while (!guests_.empty() && !guests_.back()->is_closing) give_back(guests_.size() - 1);
        if (auto* const v = serving()) stop(*v, step{serving_step::stop, {0, 0, 0}, 0});
        if (rooms_.it) end_pool(rooms_, true);
        if (doors_.it) end_pool(doors_, true);
        for (int i = 0; i < 1000 && ledger_.pending() != 0; ++i) {
            kernel_.end_waits();
            run_for(2ms);
            while (!guests_.empty() && !guests_.back()->is_closing) give_back(guests_.size() - 1);
        }
        if (ledger_.pending() != 0) return "ends: all was told to end, and something does not";
        run_for(40ms);  // handlers of connections that were closed from outside
        if (auto broke = check(); !broke.empty()) return broke;
        const bool is_open =
            std::any_of(talks_.begin(), talks_.end(), [](const auto& t) { return t.was_opened && !t.has_ended; });
        if (is_open) return "ends: the server has stopped, and a handler has not";
        reached_(serving_mark::ended_by_run);
    } else {
        reached_(serving_mark::ended_by_destruction);
    }
    kernel_.limit_sockets(most_sockets_ = test::simulated_provider::never);
    ledger_.may_drop(true);
    destroy_process();
    ledger_.may_drop(false);
    if (ledger_.pending() != 0) return "ends: the loops are gone, and a handler is not";
    constexpr model_chances::mark told[] = {model_chances::delayed, model_chances::short_transfer,
                                            model_chances::fault, model_chances::dropped_by_quiet,
                                            model_chances::no_descriptors};
    for (std::size_t i = 0; i < std::size(told); ++i) {
        reached_(static_cast<std::size_t>(serving_mark::marks) + i, std::exchange(chances_.counts[told[i]], 0));
    }
    if (!ledger_.broken().empty()) return ledger_.broken();
    if (!chances_.complaint.empty()) return chances_.complaint;
    if (kernel_.has_complaints()) return "complaint: " + kernel_.complaints().front();
    if (kernel_.holders() != 0) return "holders: " + std::to_string(kernel_.holders()) + " are left";
    if (kernel_.sockets() != 0) return "descriptors: " + std::to_string(kernel_.sockets()) + " are left";
    return {};
}

std::string serving_world::end() { return end_process(random_.chance(500)); }

}  // namespace berth::simulation
