// The process's beginning and end, the dispatch of steps, what the loop ran, and what must hold after each step.
#include "simulation/loop_world.hpp"

#include "simulation/virtual_clock.hpp"

#include <berth/log.hpp>

#include <asio/post.hpp>

#include <algorithm>

namespace berth::simulation {

using namespace std::chrono_literals;

std::span<const step_kind> loop_steps() noexcept {
    static constexpr step_kind kinds[] = {
        {"reserve", 12},     {"async_reserve", 10}, {"end_waits", 8},  {"take", 40},     {"connect", 24},
        {"receive", 40},     {"receive_each", 10},  {"send", 20},      {"accept", 30},   {"accept_each", 8},
        {"read", 40},        {"read_each", 8},      {"write", 24},     {"wait", 10},     {"cancel", 4},
        {"cancel_one", 10},  {"close", 4},          {"give_back", 24}, {"timer", 20},    {"timer_cancel", 2},
        {"post", 4},         {"datagram", 60},      {"client", 40},    {"bytes", 60},    {"end_stream", 10},
        {"run", 50},         {"run_some", 30},      {"stop", 2},       {"pass_time", 6}, {"stranger", 2},
        {"return_lent", 12}, {"release", 2},        {"restart", 1}};
    return kinds;
}

std::span<const char* const> loop_marks() noexcept {
    static constexpr const char* names[] = {
        "reserved", "refused", "stopped_reserve", "taken", "exhausted", "connected", "not_connected", "received",
        "sent", "accepted", "read", "end_of_stream", "reset", "written", "waited", "timed_out", "timer_rang",
        "aborted", "after_close", "again", "closed_inside", "given_back_inside", "dropped", "lost_back", "ran_dry",
        "without_work", "ended_by_run", "ended_by_destruction",
        // the model's
        "delayed", "short_transfer", "fault", "raced_cancel", "dropped_by_quiet", "no_buffers", "no_descriptors",
        "refused_connect", "taken_tuple", "idle_wake"};
    static_assert(std::size(names) == static_cast<std::size_t>(loop_mark::marks) + model_chances::marks);
    return names;
}

loop_world::loop_world(std::uint64_t seed, tally& reached) : backend_world(seed, reached) {
    virtual_clock::set(virtual_clock::beginning);
    constexpr std::uint32_t rates[] = {0, 20, 150};
    fault_rate_ = rates[random_.below(3)];
    chances_.fault_rate = fault_rate_;
    chances_.delay_rate = rates[random_.below(3)] * 3;
    kernel_.set_faults(this);
    if (random_.chance(800)) kernel_.reuse_numbers();
    if (random_.chance(300)) kernel_.limit_sockets(10);
    chances_.random = seeded_random(random_.next());
    model_backend::install(&chances_);
    set_log_sink(nullptr);
    begin_process();
}

loop_world::~loop_world() {
    ledger_.may_drop(true);
    is_ending_ = true;
    kept_.clear();
    players_.clear();
    timers_.clear();
    blocks_.clear();
    context_.reset();
    model_backend::install(nullptr);
}

void loop_world::begin_process() {
    context_ = std::make_unique<io_context>();
    for (int i = 0; i < 8; ++i) timers_.emplace_back(*context_);
}

std::string loop_world::act(const step& s, bool& did) {
    using namespace loop_step;
    switch (static_cast<kind>(s.what)) {
        case kind::reserve:
            did = blocks_.size() < 3;
            if (did) reserve(s);
            return {};
        case kind::async_reserve:
            did = blocks_.size() < 3;
            if (did) begin_reserve(s);
            return {};
        case kind::end_waits:
            acted_ = kernel_.end_waits() != 0;
            return {};
        case kind::take:
            return take(s, did);
        case kind::connect:
            return connect(s, did), std::string();
        case kind::receive:
        case kind::receive_each:
        case kind::send:
        case kind::accept:
        case kind::accept_each:
        case kind::read:
        case kind::read_each:
        case kind::write:
        case kind::wait:
            if (player* const p = pick(s.with[0], s.what); p != nullptr && ledger_.pending() < 60) {
                begin(s.what, s, *p, did);
            }
            return {};
        case kind::cancel:
        case kind::cancel_one:
            return cancel(s, did), std::string();
        case kind::close:
        case kind::give_back:
            if (player* const p = pick(s.with[0], s.what); p != nullptr) {
                did = true;
                s.what == kind::close ? close(*p) : give_back(*p);
            }
            return {};
        case kind::timer:
            return did = true, set_timer(s), std::string();
        case kind::timer_cancel:
            return did = true, note(timers_[s.with[0] % timers_.size()].cancel()), std::string();
        case kind::post: {
            did = true;
            ledger_entry& e = ledger_.begin(s.what);
            asio::post(*context_, [h = handler_of(e)]() mutable { h(); });
            return {};
        }
        case kind::datagram:
        case kind::client:
        case kind::bytes:
        case kind::end_stream:
        case kind::stranger:
            return arrive(s), std::string();
        case kind::run:
        case kind::run_some:
            return did = true, run(s, s.what == kind::run_some);
        case kind::stop:
            return did = was_stopped_ = true, context_->stop(), std::string();
        case kind::pass_time:
            return acted_ = true, virtual_clock::pass(std::chrono::microseconds(s.with[0] % 20'000)), std::string();
        case kind::return_lent:
            did = !kept_.empty();
            if (did) kept_.erase(kept_.begin() + s.with[0] % static_cast<std::ptrdiff_t>(kept_.size()));
            return {};
        case kind::release:
            return release(s, did);
        case kind::restart: {
            did = true;
            auto broke = end_process(s.with[0] % 2 == 0);
            begin_process();
            return broke;
        }
    }
    return {};
}

// Time passes in the run, as far as the loop sleeps.
std::string loop_world::run(const step& s, bool some) {
    if (context_->stopped()) context_->restart();
    was_stopped_ = false;
    std::size_t ran = 0;
    if (some) {
        for (std::uint32_t i = 0; i <= s.with[0] % 4u; ++i) {
            run_began_ = std::chrono::steady_clock::now();
            ran += s.with[1] % 2 != 0 ? context_->poll_one() : context_->run_one_for(1ms);
        }
        note(ran);
        return {};
    }
    run_began_ = std::chrono::steady_clock::now();
    ran = s.with[0] % 4 == 0 ? context_->poll() : context_->run_for(std::chrono::microseconds(s.with[0] % 30'000));
    note(ran);
    const bool is_dry = s.with[0] % 4 != 0 && s.with[0] % 30'000 > 10'000;
    if (was_stopped_) return {};
    if (context_->stopped() && ledger_.pending() != 0) {
        return "work: run() ended, and " + std::to_string(ledger_.pending()) + " operations are under way";
    }
    if (!context_->stopped() && ledger_.pending() == 0) return "work: run() goes on, and nothing is under way";
    if (context_->stopped()) reached_(loop_mark::without_work);
    return is_dry ? check_ran() : std::string();
}

// The loop had more time than anything takes: what can be over is.
std::string loop_world::check_ran() {
    reached_(loop_mark::ran_dry);
    const auto now = std::chrono::steady_clock::now();
    for (const auto& e : ledger_.entries()) {
        if (e.has_ended) continue;
        if (e.is_closed) return "ends: an operation of a closed socket does not";
        if (e.is_cancelled && e.what != loop_step::async_reserve) return "ends: a cancelled operation does not";
        if (e.what == loop_step::post) return "ends: what was posted does not run";
        if (e.due < now - 1ms) return "ends: a time has come, and nobody is told";
    }
    for (const auto& p : players_) {
        const auto* const udp = std::get_if<bound<udp_socket>>(&p->socket);
        if (udp == nullptr || p->is_lost || !kept_.empty()) continue;
        const bool is_asked = std::any_of(ledger_.entries().begin(), ledger_.entries().end(), [&](const auto& e) {
            return e.player == p->serial && !e.has_ended &&
                   (e.what == loop_step::receive || e.what == loop_step::receive_each);
        });
        const auto& port = kernel_.port(false, p->port);
        if (is_asked && network_.has_datagrams(port.inode)) return "ends: a datagram waits, and so does a receive";
    }
    return {};
}

std::string loop_world::check() {
    if (!ledger_.broken().empty()) return ledger_.broken();
    if (!chances_.complaint.empty()) return chances_.complaint;
    if (kernel_.has_complaints()) return "complaint: " + kernel_.complaints().front();
    std::uint32_t connecting = 0;
    for (const auto& e : ledger_.entries()) connecting += !e.has_ended && e.what == loop_step::connect;
    for (const auto& b : blocks_) {
        const auto s = b->r.statistics();
        if (s.ports.total() != b->size)
            return "books: " + std::to_string(s.ports.total()) + " of " + std::to_string(b->size);
        std::uint32_t out = 0;
        for (const auto& p : players_) out += p->of == b->serial;
        if (s.ports.open < out || s.ports.open > out + connecting || s.ports.taken != 0) {
            return "books: " + std::to_string(s.ports.open) + " open, " + std::to_string(out) + " are out";
        }
    }
    return {};
}

// Everything is closed, and either the loop runs until it ends by itself, or it goes over what is under way.
std::string loop_world::end_process(bool by_run) {
    is_ending_ = true;
    kept_.clear();
    while (!players_.empty()) give_back(*players_.back());
    for (auto& t : timers_) t.cancel();
    if (by_run) {
        for (int i = 0; i < 1000 && ledger_.pending() != 0; ++i) {
            if (context_->stopped()) context_->restart();
            kernel_.end_waits();
            for (auto& e : ledger_.entries()) {
                if (!e.has_ended && e.what == loop_step::connect) e.signal.emit(asio::cancellation_type::total);
            }
            context_->run_for(1ms);
            kept_.clear();
            while (!players_.empty()) give_back(*players_.back());
        }
        if (ledger_.pending() != 0) return "ends: everything is closed, and something does not end";
        if (context_->stopped()) context_->restart();
        context_->run();  // for ever, unless its work is done: the model says so
        reached_(loop_mark::ended_by_run);
    } else {
        reached_(loop_mark::ended_by_destruction);
    }
    ledger_.may_drop(true);
    reached_(loop_mark::dropped, ledger_.pending());
    const bool releases_first = random_.chance(500);
    if (releases_first) blocks_.clear();
    timers_.clear();
    context_.reset();
    blocks_.clear();
    players_.clear();
    session_at_.clear();
    ledger_.may_drop(false);
    is_ending_ = false;
    if (ledger_.pending() != 0) return "ends: the context is gone, and a handler is not";
    for (std::size_t i = 0; i < model_chances::marks; ++i) {
        reached_(static_cast<std::size_t>(loop_mark::marks) + i, chances_.counts[i]);
        chances_.counts[i] = 0;
    }
    if (auto broke = check(); !broke.empty()) return broke;
    if (kernel_.holders() != 0) return "holders: " + std::to_string(kernel_.holders()) + " are left";
    if (kernel_.sockets() != 0) return "descriptors: " + std::to_string(kernel_.sockets()) + " are left";
    return {};
}

std::string loop_world::end() { return end_process(random_.chance(500)); }

}  // namespace berth::simulation
