// Starts and ends of the daemon, of the machine, and of the program.
#include "simulation/daemon_running.hpp"
#include "simulation/virtual_clock.hpp"

#include <algorithm>

namespace berth::simulation {

using detail::request_kind;
using namespace std::chrono_literals;

namespace {

const std::string store_path = "/var/lib/berth/blocks.db";

}  // namespace

void daemon_world::start() {
    machine_.start_daemon();
    is_forgiving_ = false;
    list_.was_refused = false;
    const auto with = std::exchange(start_with_, {});
    if (with.call != 0 && with.dies) machine_.die_at(with.call, static_cast<death>(with.how % 3));
    if (with.call != 0 && !with.dies) machine_.fail_at(with.call, 1 + with.how % 3);
    const auto failed = machine_.failed();
    failure f;
    if (auto store = daemon::block_store::open(store_path, f)) {
        daemon_ = std::make_unique<running_daemon>(*this, std::move(store));
        const bool was_boot = daemon_->store->contents().boot == boot_;
        daemon_->service.start(boot_, f);
        if (!f && !was_boot) reached_(daemon_mark::new_boot);
        if (!f) {
            if (!door_ || !keeping_.is_manager) door_ = machine_.make<listening_door>();
            if (daemon_->server.listen(platform::descriptor(machine_.open(door_))) != 0) f.code = errc::system_failure;
        }
        if (!f) daemon_->loop.begin();
    }
    is_forgiving_ = machine_.failed() != failed;
    if (is_forgiving_) reached_(daemon_mark::call_failed);
    if (machine_.daemon().is_dead) {
        reached_(daemon_mark::died_in_a_call);
        return settle_death();
    }
    if (f) {
        end_daemon(false);
        if (!is_forgiving_) administer(f.what);
        return;
    }
    reached_(daemon_mark::restarted);
    if (good_) reached_(daemon_mark::damage_unread);
    good_.reset();
    keeping_.was_lost = false;
    const auto resurrected = books_.resurrected, undone = books_.undone;
    books_.compare(daemon_->store->contents(), true);
    reached_(daemon_mark::resurrected, books_.resurrected - resurrected);
    reached_(daemon_mark::undone, books_.undone - undone);
    if (list_.was_refused) reached_(daemon_mark::list_refused);
}

// A daemon that does not start has said why, and somebody does something about it: puts the good store back, or begins
// without any block.
void daemon_world::administer(const std::string& why) {
    if (!good_) {
        if (books_.broke.empty()) books_.broke = "start: refused without a cause: " + why;
        return;
    }
    reached_(daemon_mark::set_aside);
    std::vector<std::string> there;
    for (const auto& [path, file] : disk_.names()) there.push_back(path);
    for (const auto& path : there) disk_.remove(path);
    if (machine_.chance(700)) {
        for (const auto& [path, bytes] : *good_) disk_.put(path, bytes);
    } else {
        reached_(daemon_mark::anew);
        keeping_.kept.clear();
        books_.begin_anew();
        list_.listed = list_.foreign;
    }
    disk_.sync_names();
    good_.reset();
}

bool daemon_world::damage(const step& s) {
    const auto file = disk_.find(store_path);
    if (is_running() || !file || file->now.empty() || good_) return false;
    good_.emplace();
    for (const auto& [path, there] : disk_.names()) (*good_)[path] = there->now;
    std::string bytes = file->now;
    const std::size_t at = (std::size_t{s.with[1]} << 4 | s.with[2] % 16) % bytes.size();
    switch (s.with[0] % 3) {
        case 0:
            bytes.resize(at);
            break;
        case 1:
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << s.with[2] % 8));
            break;
        default:
            bytes.replace(at / 512 * 512, 512, std::string(512, '\0'));
            break;
    }
    if (bytes == file->now) {
        good_.reset();
        return false;
    }
    file->now = file->synced = bytes;
    file->unsynced.clear();
    return true;
}

void daemon_world::end_daemon(bool by_death) {
    if (by_death) machine_.kill_daemon();
    settle_death();
}

// Its last answers are given. What it had open is closed by its own hand, or was by the kernel.
void daemon_world::settle_death() {
    const bool died = machine_.daemon().is_dead;
    if (daemon_) {
        const bool keeper_is_well = keeping_.is_manager || !keeping_.was_lost;
        for (const auto& row : settled_) {
            const bool is_there = books_.of(row.token) != nullptr;
            if (died && is_there && !is_forgiving_ && keeper_is_well && !are_all_held(row) && books_.broke.empty() &&
                !books_.is_leaving(row)) {
                books_.broke = "kept: a death frees ports of a block that was held";
            }
        }
        daemon_.reset();
        books_.daemon_ends();
    }
    settled_.clear();
    if (!keeping_.is_manager) door_.reset();
    if (!died) {
        if (const auto open = machine_.daemon().open(); open != 0 && books_.broke.empty()) {
            books_.broke = "descriptors: " + std::to_string(open) + " are open when the daemon has ended";
        }
        machine_.kill_daemon();
    }
    if (!machine_.daemon().mapped.empty() && books_.broke.empty()) books_.broke = "memory: a ledger is still mapped";
    if (!keeping_.is_manager) keeping_.end.reset();
    machine_.no_more_faults();
}

void daemon_world::power_fails() {
    end_daemon(true);
    for (auto& c : clients_) c->die();
    keeping_.die();
    door_.reset();
    disk_.lose_power();
    machine_.strangers.clear();
    list_.listed.reset();
    list_.foreign.reset();
    list_.ever_refused = false;
    ++boot_.low;
    reached_(daemon_mark::lost_power);
}

// Nothing fails any more, everybody reads what was sent, and some seconds pass.
void daemon_world::calm() {
    machine_.no_more_faults();
    keeping_.most = 4096;
    ports_.unfit = 0;
    for (int i = 0; i < 3 && !is_running() && books_.broke.empty(); ++i) start();
    if (is_running()) machine_.daemon().most = 512;
    is_forgiving_ = false;
    for (int round = 0; round < 40 && is_running() && books_.broke.empty(); ++round) {
        bool more = round < 10;  // a message a turn, of those who are gone as well
        for (auto& c : clients_) {
            for (int i = 0; i < 20 && c->is_alive() && (!c->end->inbox.empty() || c->end->other == nullptr); ++i) {
                if (c->is_lost()) c->has.clear();
                read(*c);
            }
            c->tidy();
            more = more || !c->is_calm();
        }
        turn(true);
        virtual_clock::pass(round % 2 == 0 ? 100ms : 1100ms);
        if (!more && round % 2 == 1 && (!is_running() || !daemon_->service.work())) break;
    }
    if (is_running() && books_.broke.empty()) books_.broke = check_calm();
}

std::string daemon_world::end() {
    machine_.reseed(1);
    machine_.strangers.clear();
    list_.cannot_be_read = list_.cannot_be_written = false;
    calm();
    if (auto broke = check(); !broke.empty()) return broke;
    for (auto& c : clients_) c->die();
    calm();
    auto& last = clients_.front();
    last = std::make_unique<client>(next_client_++, credentials{}, true);
    books_.begins(last->number, true);
    last->connect(machine_, *door_);
    turn(true);
    for (int i = 0; i < 200 && !books_.rows().empty() && books_.broke.empty(); ++i) {
        const auto row = books_.rows().front();
        last->ask({.kind = request_kind::remove, .protocol = row.protocol, .block = row.block});
        turn(true);
        read(*last);
    }
    if (auto broke = check(); !broke.empty()) return broke;
    last->die();
    calm();
    if (auto broke = check(); !broke.empty()) return broke;
    if (!books_.rows().empty()) return "remove: a block cannot be removed at the end";
    if (!machine_.ports().empty()) return "remove: a port is held after everything was removed";
    if (!keeping_.kept.empty()) return "kept: something is with the keeper after everything was removed";
    end_daemon(false);
    door_.reset();
    if (!books_.broke.empty()) return books_.broke;
    if (machine_.things() != 0) return "memory: " + std::to_string(machine_.things()) + " things of the kernel are left";
    return {};
}

}  // namespace berth::simulation
