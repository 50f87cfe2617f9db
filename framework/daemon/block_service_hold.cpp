// Holding blocks: for the first time, again after a death of the daemon, anew after a boot; see block_service.hpp.
#include "block_service.hpp"
#include "log_line.hpp"
#include "platform/files.hpp"
#include "platform/random_bytes.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace berth::daemon {
namespace {

// Duplicates that the descriptor store sent: closed once a reservation has its own.
class fetched_sockets {
public:
    ~fetched_sockets() {
        for (const auto& s : all) {
            if (s.fd >= 0) close_descriptor(s.fd);
        }
    }
    std::vector<kept_socket> all;
};

std::vector<platform::held_sockets> sockets_of(const stored_block& row, const std::vector<kept_socket>& kept) {
    std::vector<platform::held_sockets> out;
    const auto from = std::lower_bound(kept.begin(), kept.end(), row.id,
                                       [](const kept_socket& s, std::uint64_t id) { return s.key.block < id; });
    for (auto s = from; s != kept.end() && s->key.block == row.id; ++s) {
        if (!row.block.contains(s->key.port)) continue;
        out.resize(row.block.count);
        auto& port = out[std::size_t{s->key.port} - row.block.first];
        (s->key.role == socket_role::holder    ? port.holder
         : s->key.role == socket_role::session ? port.session
                                               : port.other_holder) = s->fd;
    }
    return out;
}

}  // namespace

std::uint64_t block_service::new_id() const {
    std::uint64_t bits = 0;
    const auto is_used = [&](const stored_block& b) { return b.id == bits || b.token.value() == bits; };
    do {
        platform::random_bytes(&bits, sizeof bits);
    } while (bits == 0 || std::any_of(blocks().begin(), blocks().end(), is_used));
    return bits;
}

reservation_token block_service::new_token() const { return reservation_token(new_id()); }

// Parks by system calls: a filter map would be this process's, and go with it.
block_service::held_core block_service::hold(const stored_block& row, std::vector<platform::held_sockets> inherited,
                                             failure& f) const {
    reservation_request request;
    request.block = row.block;
    request.protocol = row.protocol;
    request.use = row.use;
    request.park = parking::system_calls;
    request.cool_down = rest_;
    return detail::reservation_core::make(provider_, request, f, detail::steady_nanoseconds, std::move(inherited));
}

void block_service::keep(std::uint64_t id, detail::reservation_core& core, failure& f) {
    std::vector<kept_socket> sockets;
    for (std::uint32_t i = 0; i < core.block().count; ++i) {
        const auto own = core.only_lane()->sockets(i);
        const auto port = core.only_lane()->port_at(i);
        const auto add = [&](platform::native_socket fd, socket_role role) {
            if (fd >= 0) sockets.push_back({{id, port, role}, static_cast<int>(fd)});
        };
        add(own.holder, socket_role::holder);
        add(own.session, socket_role::session);
        add(own.other_holder, socket_role::other_holder);
    }
    keeper_.put(sockets, f);
}

void block_service::let_go(const held_core& core) noexcept {
    failure ignored;
    core->release(ignored, if_taken::detach);
}

void block_service::forget(std::uint64_t id) {
    failure f;
    keeper_.remove_block(id, f);
    if (!f) return;
    to_forget_.push_back(id);
    keeper_failed(f);
}

// A start lets go of one block that the store does not name, and takes more for another's: so there is never a second.
bool block_service::may_change(failure& f) {
    if (must_end()) {
        f = {errc::system_failure, "the store failed in a write; what it holds is settled when the daemon starts anew", 0,
             0};
        return false;
    }
    for (const auto id : std::exchange(to_forget_, {})) forget(id);
    if (to_forget_.empty()) return true;
    f = {errc::service_unavailable,
         "the keeper does not answer, and has a block yet that it is to let go of; ask again in a second or two", 0, 0};
    return false;
}

void block_service::renew_tokens(const boot_id& boot, failure& f) {
    if (store_.contents().boot == boot) return;
    auto next = store_.contents();
    next.boot = boot;
    next.listed.clear();  // the list is the system's, and began anew with it
    for (auto& b : next.blocks) b.token = new_token();
    store_.commit(next, f);
    if (!f) log_line(log_level::info, "new_boot").with("blocks", next.blocks.size());
}

// One block may have been under way when the daemon died: let go of it. More are not explained by any death.
bool block_service::release_unknown(const std::vector<kept_socket>& kept, failure& f) {
    std::set<std::uint64_t> unknown;
    for (const auto& s : kept) unknown.insert(s.key.block);
    for (const auto& b : blocks()) unknown.erase(b.id);
    if (unknown.size() > 1) {
        f = {
            errc::system_failure,
            "the keeper holds " + std::to_string(unknown.size()) +
                " blocks that the store does not name, and a death of the daemon can leave one: the store is not the "
                "one that it was; put the right one back, or end the keeper (berthd --end-keeper) to free their "
                "ports",
            static_cast<std::uint32_t>(unknown.size()), 0};
        return false;
    }
    for (const auto id : unknown) {
        log_line(log_level::warning, "unanswered_block_let_go").with("id", id);
        forget(id);
    }
    return true;
}

void block_service::start(const boot_id& boot, failure& f) {
    f = {};
    fetched_sockets kept;
    keeper_.fetch(kept.all, f);
    if (f) return;
    desk_.inherit(kept.all, f);
    if (f || !release_unknown(kept.all, f)) return;
    renew_tokens(boot, f);
    if (!f) start_list(f);
    if (!f) hold_what_is_not(kept.all);
}

// A kept session socket whose holder was not kept would stand in the way of both that are bound anew, for as long as
// it is kept.
void block_service::let_go_without_holder(const stored_block& row, std::vector<kept_socket>& kept,
                                          std::vector<platform::held_sockets>& inherited) {
    std::vector<kept_key> keys;
    for (auto& s : kept) {
        if (s.key.block != row.id || s.key.role != socket_role::session || !row.block.contains(s.key.port)) continue;
        auto& port = inherited[std::size_t{s.key.port} - row.block.first];
        if (port.holder >= 0 || port.is_out) continue;
        close_descriptor(std::exchange(s.fd, -1));
        port.session = -1;
        keys.push_back(s.key);
    }
    if (keys.empty()) return;
    log_line(log_level::warning, "kept_without_holder").with("first", row.block.first).with("ports", keys.size());
    failure f;
    keeper_.remove(keys, f);
    if (f) keeper_failed(f);
}

void block_service::hold_what_is_not(std::vector<kept_socket>& kept) {
    std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    for (const auto& row : blocks()) {
        if (held_.contains(row.id)) continue;
        failure f;
        auto inherited = sockets_of(row, kept);
        const bool again = !inherited.empty();
        std::vector<bool> was_kept(inherited.size());
        for (std::uint32_t i = 0; i < inherited.size(); ++i) {
            inherited[i].is_out = inherited[i].session >= 0 && desk_.is_out(row.id, i);
            was_kept[i] = inherited[i].holder >= 0;
        }
        let_go_without_holder(row, kept, inherited);
        auto core = hold(row, std::move(inherited), f);
        if (!core) {
            if (why_[row.id] != f.what) {
                desk_.recall_all(row.id);  // idle ports of theirs may be what is in the way
                log_line(log_level::error, "not_held").with("first", row.block.first).with("why", f.what);
            }
            why_[row.id] = f.what;
            continue;
        }
        why_.erase(row.id);
        desk_.mark_out(row.id, *core->only_lane());
        keep(row.id, *core, f);
        if (f) keeper_failed(f);
        look_through(row.id, *core->only_lane(), was_kept);
        held_[row.id] = std::move(core);
        log_line(log_level::info, again ? "held_again" : "held")
            .with("protocol", row.protocol == transport::tcp ? "tcp" : "udp")
            .with("first", row.block.first)
            .with("count", row.block.count);
    }
}

void block_service::keeper_failed(const failure& f) {
    if (!keeper_is_lost_) log_line(log_level::error, "keeper_failed").with("why", f.what);
    keeper_is_lost_ = true;
}

void block_service::look_after() {
    if (keeper_is_lost_) renew_keeper();
    for (const auto id : std::exchange(to_forget_, {})) forget(id);
    to_renew_.insert(to_renew_.end(), to_try_again_.begin(), to_try_again_.end());
    to_try_again_.clear();
    if (held_.size() == blocks().size()) return;
    failure f;
    fetched_sockets kept;
    keeper_.fetch(kept.all, f);
    if (f) return keeper_failed(f);
    hold_what_is_not(kept.all);
}

// Consumers first: a death in between must not leave a session socket without the ledger that says whose it is.
void block_service::renew_keeper() {
    failure f;
    if (keeper_.renew(f) && !f) log_line(log_level::error, "keeper_renewed").with("keeper", keeper_.describe());
    if (!f) desk_.put_all(f);
    for (const auto& [id, core] : held_) {
        if (!f) keep(id, *core, f);
    }
    if (f) return keeper_failed(f);
    keeper_is_lost_ = false;
}

}  // namespace berth::daemon
