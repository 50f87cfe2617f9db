// Steps of the daemon's world. What clients ask is in daemon_asking.cpp, what must hold between steps in
// daemon_checks.cpp, its deaths in daemon_deaths.cpp.
#include "simulation/daemon_world.hpp"

#include "simulation/daemon_running.hpp"
#include "simulation/daemon_sqlite.hpp"
#include "simulation/seeded_bytes.hpp"
#include "simulation/virtual_clock.hpp"

#include "log_line.hpp"
#include "platform/fork_stamp.hpp"

#include <algorithm>
#include <array>

namespace berth::simulation {

using detail::service_request;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_clients = 7;

constexpr std::array<step_kind, 25> step_kinds = {
    {{"turn", 300},      {"ask", 150},       {"read", 200},    {"fetch", 100},     {"connect", 60},
     {"give_back", 40},  {"spoil", 6},       {"use", 25},      {"say_holding", 6}, {"be_rude", 3},
     {"client_dies", 8}, {"time_passes", 40}, {"start", 300},   {"stop", 2},        {"kill", 2},
     {"kill_later", 8},  {"power_fails", 1}, {"calls_fail", 8}, {"keeper_dies", 2}, {"stranger", 6},
     {"damage", 4},      {"list", 4},        {"descriptors", 3}, {"unfit_ports", 3}, {"calm", 5}}};
constexpr std::array<const char*, 24> mark_names = {
    "created",   "removed",   "restarted",   "died",     "died_in_a_call", "lost_power",  "call_failed", "keeper_died",
    "set_aside", "damage_unread", "anew",    "taken",    "fetched",        "shut_out",    "busy_remove", "not_held",
    "held_again", "resurrected", "undone",   "stranger_refused", "new_boot", "store_broken", "list_refused", "manager"};

}  // namespace

subject daemon_subject() {
    return {"daemon", step_kinds, mark_names, 800,
            [](std::uint64_t seed, tally& reached) { return std::make_unique<daemon_world>(seed, reached); }};
}

daemon_world::daemon_world(std::uint64_t seed, tally& reached)
    : reached_(reached), machine_(seed), disk_(machine_), ports_(machine_), list_(machine_) {
    use_simulated_disk();
    static_cast<void>(platform::fork_stamp());  // the process's: drawn once, and not by the first of two alike programs
    seeded_bytes::seed(seed);
    virtual_clock::set(virtual_clock::beginning);
    daemon::set_log_level(static_cast<log_level>(static_cast<int>(log_level::error) + 1));
    set_log_sink([](log_level, std::string_view, void*) noexcept {});
    keeping_.is_manager = seed % 4 == 3;
    if (keeping_.is_manager) reached_(daemon_mark::manager);
    ports_.is_without_ipv6 = seed % 8 == 5;
    for (std::uint16_t p = lowest_port + 3; p < lowest_port + 6; ++p) list_.foreign.set(p);
    list_.listed = list_.foreign;
    for (std::size_t i = 0; i < most_clients; ++i) {
        clients_.push_back(std::make_unique<client>(0, credentials{}, true));
        books_.begins(0, true);
    }
    machine_.daemon_hears = [this](connection_end& end, const std::vector<std::byte>& bytes) {
        if (end.client >= 0) books_.hears(end.client, bytes);
    };
    machine_.daemon_says = [this](connection_end& end, const sent_message& message, int error) {
        if (end.client >= 0) books_.says(end.client, message, error);
    };
    books_.store_is_broken = [this] { return daemon_->store->is_broken(); };
    books_.may_fail = [this](const service_request& r) { return may_fail(r); };
    books_.ports_out = [this](const daemon_books::row& r) { return daemon_->ports_out(r.token); };
    books_.with_consumers = [this](const daemon_books::row& r) { return with_consumers(r); };
    machine_.kill_daemon();
    start();
}

daemon_world::~daemon_world() {
    end_daemon(true);
    for (auto& c : clients_) c->die();
    keeping_.die();
}

outcome daemon_world::go(const step& s) {
    machine_.reseed(s.seed);
    outcome out;
    out.did = act(s);
    out.broke = check();
    return out;
}

bool daemon_world::act(const step& s) {
    const auto what = static_cast<daemon_step>(s.what);
    const auto is_consumer = [](const client& c) { return c.is_consumer; };
    const auto has_ports = [](const client& c) { return !c.has.empty(); };
    const auto lives = [](const client&) { return true; };
    client* c = nullptr;
    switch (what) {
        case daemon_step::turn:
            if (!is_running()) return false;
            turn(false);
            return true;
        case daemon_step::ask:
            return ask(s);
        case daemon_step::read:
            c = pick(s.with[0], [](const client& x) { return !x.end->inbox.empty() || x.is_lost(); });
            if (c != nullptr) read(*c);
            return c != nullptr;
        case daemon_step::fetch:
            if ((c = pick(s.with[0], is_consumer)) == nullptr) return false;
            c->fetch(static_cast<detail::fetch_kind>(s.with[1] % 3),
                     static_cast<std::uint16_t>(c->block.first + s.with[2] % (c->block.count + 1)), 1 + s.with[2] % 6);
            return true;
        case daemon_step::connect:
            return connect(s);
        case daemon_step::give_back:
        case daemon_step::spoil:
            c = pick(s.with[0], [](const client& x) { return !x.has.empty() && !x.is_lost(); });
            if (c != nullptr) c->give_back(s.with[1], 1 + s.with[2] % 4, what == daemon_step::spoil);
            return c != nullptr;
        case daemon_step::use:
            if ((c = pick(s.with[0], has_ports)) != nullptr) c->use(s.with[1]);
            return c != nullptr;
        case daemon_step::say_holding:
            if ((c = pick(s.with[0], is_consumer)) != nullptr) c->say_holding();
            return c != nullptr;
        case daemon_step::be_rude:
            if ((c = pick(s.with[0], lives)) != nullptr) c->be_rude(machine_, s.with[1]);
            return c != nullptr;
        case daemon_step::client_dies:
            if ((c = pick(s.with[0], lives)) != nullptr) c->die();
            return c != nullptr;
        case daemon_step::time_passes:
            virtual_clock::pass(std::chrono::milliseconds{1 + (s.with[0] % 3 == 0 ? s.with[1] % 3000 : s.with[1] % 60)});
            return true;
        case daemon_step::start:
            if (is_running()) return false;
            if (s.with[0] % 4 == 0) start_with_ = {1 + s.with[1] % 150u, s.with[2], true};
            if (s.with[0] % 4 == 1) start_with_ = {1 + s.with[1] % 150u, s.with[2], false};
            start();
            return true;
        case daemon_step::stop:
            if (!is_running()) return false;
            end_daemon(false);
            return true;
        case daemon_step::kill:
            if (!is_running()) return false;
            end_daemon(true);
            reached_(daemon_mark::died);
            return true;
        case daemon_step::kill_later:
            if (!is_running()) return false;
            machine_.die_at(1 + s.with[0] % 90u, static_cast<death>(s.with[1] % 3));
            return true;
        case daemon_step::power_fails:
            power_fails();
            return true;
        case daemon_step::calls_fail:
            if (!is_running()) return false;
            machine_.fail_at(1 + s.with[0] % 60u, 1 + s.with[1] % 5 * (s.with[2] % 2));
            is_forgiving_ = true;
            return true;
        case daemon_step::keeper_dies:
            if (keeping_.is_manager) return false;
            keeping_.die();
            settled_.clear();
            reached_(daemon_mark::keeper_died);
            return true;
        case daemon_step::stranger:
            return strangers_come(s);
        case daemon_step::damage:
            return damage(s);
        case daemon_step::list:
            return change_list(s);
        case daemon_step::descriptors:
            if (!is_running()) return false;
            machine_.daemon().most = s.with[0] % 2 == 0 ? 512 : machine_.daemon().open() + s.with[1] % 12;
            if (s.with[2] % 4 == 0) keeping_.most = keeping_.kept.size() + s.with[1] % 20;
            return true;
        case daemon_step::unfit_ports:
            ports_.unfit = s.with[0] % 2 == 0 ? 0 : 1 + s.with[1] % 500;
            return true;
        case daemon_step::calm:
            calm();
            return true;
    }
    return false;
}

void daemon_world::turn(bool everything_came) {
    for (const auto& c : clients_) {
        if (c->is_alive() && c->end->other != nullptr) c->end->other->is_slow = !everything_came && machine_.chance(250);
    }
    failed_before_ = machine_.failed();
    const auto created = books_.created, removed = books_.removed;
    const auto shut_out = daemon_->service.desk().shut_out();
    daemon_->loop.turn();
    reached_(daemon_mark::created, books_.created - created);
    reached_(daemon_mark::removed, books_.removed - removed);
    if (machine_.failed() != failed_before_) reached_(daemon_mark::call_failed);
    if (machine_.daemon().is_dead) {
        reached_(daemon_mark::died_in_a_call);
        return settle_death();
    }
    if (daemon_->service.desk().shut_out() != shut_out) reached_(daemon_mark::shut_out);
    if (daemon_->service.must_end()) {
        reached_(daemon_mark::store_broken);
        return end_daemon(false);
    }
    books_.compare(daemon_->store->contents(), false);
}

// Ports that others have in the list, and whether it lets itself be read and written.
bool daemon_world::change_list(const step& s) {
    const auto port = static_cast<std::uint16_t>(lowest_port + s.with[1] % 64);
    switch (s.with[0] % 4) {
        case 0:
            list_.cannot_be_read = s.with[2] % 3 == 0;
            list_.cannot_be_written = s.with[2] % 3 == 1;
            return true;
        case 1:
            // What the store counts as ours and never was written is ours to it, whoever writes it afterwards.
            if (!is_running() || list_.ever_refused || list_.listed[port]) return false;
            list_.listed.set(port), list_.foreign.set(port);
            return true;
        case 2:
            if (!list_.foreign[port] || std::any_of(books_.rows().begin(), books_.rows().end(), [&](const auto& r) {
                    return r.block.contains(port);
                })) {
                return false;
            }
            list_.listed.reset(port), list_.foreign.reset(port);
            return true;
        default:
            list_.cannot_be_read = list_.cannot_be_written = false;
            return true;
    }
}

bool daemon_world::strangers_come(const step& s) {
    const port_key key{s.with[0] % 2 == 0, static_cast<std::uint16_t>(lowest_port + s.with[1] % 64)};
    if (machine_.strangers.contains(key)) {
        machine_.strangers.erase(key);
    } else if (machine_.sockets_of(key).empty() && machine_.strangers.size() < 3) {
        machine_.strangers.insert(key);
    }
    return true;
}

std::uint64_t daemon_world::digest() const { return books_.digest() ^ machine_.calls() * 0x9e3779b97f4a7c15u; }

}  // namespace berth::simulation
