// What must hold between two steps, and what must once everything has come to rest.
#include "simulation/daemon_running.hpp"

#include <algorithm>

namespace berth::simulation {
namespace {

port_key key_of(const daemon_books::row& row, std::uint32_t index) {
    return {row.protocol == transport::tcp, static_cast<std::uint16_t>(row.block.first + index)};
}

bool is_of(const daemon_books::row& row, const port_key& key) {
    return key.first == (row.protocol == transport::tcp) && row.block.contains(key.second);
}

/// Those that a client has, or that are on their way to it.
template <class Visit>
void for_each_socket(const client& c, Visit visit) {
    for (const auto& [port, held] : c.has) visit(held.socket.get());
    if (c.end == nullptr) return;
    for (const auto& m : c.end->inbox) {
        for (const auto& t : m.things) {
            if (const auto* s = dynamic_cast<const bound_socket*>(t.get())) visit(s);
        }
    }
}

}  // namespace

bool daemon_world::are_all_held(const daemon_books::row& row) const {
    for (std::uint32_t i = 0; i < row.block.count; ++i) {
        const auto& there = machine_.sockets_of(key_of(row, i));
        if (std::none_of(there.begin(), there.end(), [](const auto* s) { return s->is_holder; })) return false;
    }
    return true;
}

std::uint32_t daemon_world::with_consumers(const daemon_books::row& row) const {
    std::uint32_t out = 0;
    for (const auto& c : clients_) {
        if (c->is_rude || !c->is_alive() || c->end->other == nullptr) continue;
        for_each_socket(*c, [&](const bound_socket* s) { out += is_of(row, s->port); });
    }
    return out;
}

// Somebody else has a port of it: a stranger, or a client that lost its connection and has a socket still.
bool daemon_world::is_in_use(const daemon_books::row& row) const {
    for (const auto& key : machine_.strangers) {
        if (is_of(row, key)) return true;
    }
    bool any = false;
    for (const auto& c : clients_) {
        for_each_socket(*c, [&](const bound_socket* s) { any = any || is_of(row, s->port); });
    }
    return any;
}

bool daemon_world::may_fail(const detail::service_request& request) const {
    if (is_forgiving_ || machine_.daemon().is_dead || machine_.failed() != failed_before_) return true;
    if (machine_.daemon().most != 512 || keeping_.most != 4096) return true;
    if (daemon_->service.has_more_to_do() || daemon_->store->is_broken() || keeping_.was_lost) return true;
    if (request.kind == detail::request_kind::take) {
        return daemon_->service.desk().consumers() >= running_daemon::of_one_user;
    }
    if (request.kind != detail::request_kind::create) return false;
    const daemon_books::row row{request.protocol, request.use, request.block, {}, false};
    if (is_in_use(row)) return true;
    for (std::uint32_t i = 0; i < row.block.count; ++i) {
        if (!machine_.sockets_of(key_of(row, i)).empty()) return true;
    }
    return false;
}

std::string daemon_world::check() {
    if (!books_.broke.empty()) return books_.broke;
    if (!machine_.complaint.empty()) return machine_.complaint;
    if (auto broke = check_exclusive(); !broke.empty()) return broke;
    if ((list_.foreign & ~list_.listed).any()) return "list: a port that others put there is gone";
    if (auto broke = check_holders_first(); !broke.empty()) return broke;
    if (!is_running()) return {};
    if (auto broke = check_lanes(); !broke.empty()) return broke;
    return check_ports();
}

// No two clients have one session socket, and what a client has is in a ledger.
std::string daemon_world::check_exclusive() {
    std::vector<const bound_socket*> seen;
    std::string broke;
    for (const auto& c : clients_) {
        if (c->is_rude || !c->is_alive()) continue;
        const bool is_connected = is_running() && c->end->other != nullptr;
        for_each_socket(*c, [&](const bound_socket* s) {
            if (std::find(seen.begin(), seen.end(), s) != seen.end()) {
                broke = "sharing: port " + std::to_string(s->port.second) + " is with two consumers";
            }
            seen.push_back(s);
            if (!is_connected) return;
            for (const auto& row : books_.rows()) {
                const auto* const stored = daemon_->service.row_of(row.token);
                if (!is_of(row, s->port) || stored == nullptr) continue;
                if (!daemon_->service.desk().is_out(stored->id, std::uint32_t{s->port.second} - row.block.first)) {
                    broke = "ledger: port " + std::to_string(s->port.second) + " is with a consumer and in no ledger";
                }
            }
        });
    }
    return broke;
}

std::string daemon_world::check_lanes() {
    settled_.clear();
    const auto& service = daemon_->service;
    const bool is_settled = !service.has_more_to_do() && !keeping_.was_lost;
    for (const auto& row : books_.rows()) {
        const auto* const stored = service.row_of(row.token);
        if (stored == nullptr) return "tokens: a block's is not known";
        auto* const lane = service.lane_of(stored->id);
        if (lane == nullptr) {
            reached_(daemon_mark::not_held);
            not_held_.insert(stored->id);
            if (!service.has_more_to_do()) return "held: a block is not, and is not tried again";
            continue;
        }
        if (not_held_.erase(stored->id) != 0) reached_(daemon_mark::held_again);
        if (is_settled) settled_.push_back(row);
        reservation_statistics s;
        lane->add_to(s);
        if (s.ports.total() != row.block.count) {
            return "books: " + std::to_string(s.ports.total()) + " of " + std::to_string(row.block.count) + " ports";
        }
        if (const auto out = service.desk().ports_out(stored->id); s.ports.open != out || s.ports.taken != 0) {
            return "books: " + std::to_string(s.ports.open) + " ports are open, and ledgers have " + std::to_string(out);
        }
        for (std::uint32_t i = 0; i < row.block.count; ++i) {
            const auto holder = machine_.at_as<bound_socket>(static_cast<int>(lane->sockets(i).holder));
            if (!holder || !holder->is_holder || holder->port != key_of(row, i)) {
                return "held: port " + std::to_string(row.block.first + i) + " has no holder";
            }
            const auto session = machine_.at_as<bound_socket>(static_cast<int>(lane->session(i)));
            if (session && (session->is_holder || session->port != key_of(row, i))) {
                return "held: port " + std::to_string(row.block.first + i) + " has another's session socket";
            }
        }
    }
    return {};
}

// Whoever is of ours has sockets of blocks alone.
std::string daemon_world::check_ports() {
    if (daemon_->service.has_more_to_do() || is_forgiving_) return {};
    std::vector<const bound_socket*> theirs;
    for (const auto& c : clients_) for_each_socket(*c, [&](const bound_socket* s) { theirs.push_back(s); });
    for (const auto& [key, sockets] : machine_.ports()) {
        if (std::any_of(books_.rows().begin(), books_.rows().end(), [&](const auto& r) { return is_of(r, key); })) continue;
        for (const auto* s : sockets) {
            if (std::find(theirs.begin(), theirs.end(), s) != theirs.end()) continue;
            return "remove: port " + std::to_string(key.second) + " is held, and of no block";
        }
    }
    return {};
}

std::string daemon_world::check_calm() {
    const auto& service = daemon_->service;
    bool any_rude = false, any_in_use = false;
    std::uint32_t with_clients = 0, consumers = 0;
    for (const auto& c : clients_) {
        any_rude = any_rude || c->is_rude;
        if (!c->is_alive() || c->end->other == nullptr) continue;
        if (books_.is_owed(c->number)) return "answers: a request was read, and nothing comes";
        if (c->is_rude) continue;
        const bool may_be_shut_out = service.desk().shut_out() != 0;
        if (c->asked_for || (!c->fetching.empty() && !may_be_shut_out)) return "answers: a client waits for one, and nothing comes";
        consumers += books_.is_consumer(c->number);
        with_clients += static_cast<std::uint32_t>(c->has.size());
    }
    for (const auto& row : books_.rows()) {
        const bool is_held = service.lane_of(service.row_of(row.token)->id) != nullptr;
        any_in_use = any_in_use || !is_held;
        if (!is_held && !is_in_use(row)) {
            const auto told = daemon_->service.answer(
                {.kind = detail::request_kind::lookup, .protocol = row.protocol, .block = row.block});
            return "held: a block is not, and nobody has a port of it: " + told.text;
        }
    }
    if (any_rude) return {};
    if (service.desk().consumers() != consumers) {
        return "consumers: " + std::to_string(service.desk().consumers()) + " are known, and " +
               std::to_string(consumers) + " live";
    }
    if (service.desk().shut_out() != 0) return {};  // one who is not heard any more keeps what it has
    if (service.desk().ports_out() != with_clients) {
        return "ledger: " + std::to_string(service.desk().ports_out()) + " ports are out, and consumers have " +
               std::to_string(with_clients);
    }
    if (any_in_use) return {};
    if (service.has_more_to_do()) return "rest: there is more to do, and nothing in the way";
    if (auto broke = check_kept(); !broke.empty()) return broke;
    return check_list();
}

// Without its holder a socket is of no use to the next daemon: nothing is held with it, and no new holder is bound.
std::string daemon_world::check_holders_first() const {
    using daemon::socket_role;
    for (const auto& [key, what] : keeping_.kept) {
        const bool is_ports = key.role == socket_role::session || key.role == socket_role::other_holder;
        if (!is_ports || keeping_.kept.contains({key.block, key.port, socket_role::holder})) continue;
        return "kept: a socket of port " + std::to_string(key.port) + " is with the keeper, and its holder is not";
    }
    return {};
}

// The keeper has exactly what the daemon has.
std::string daemon_world::check_kept() {
    std::size_t expected = daemon_->service.desk().consumers() * 2;
    for (const auto& row : books_.rows()) {
        const auto* const stored = daemon_->service.row_of(row.token);
        auto* const lane = daemon_->service.lane_of(stored->id);
        reservation_statistics s;
        lane->add_to(s);
        if (s.ports.condemned != 0 || s.ports.draining != 0) return "books: a port stays condemned";
        for (std::uint32_t i = 0; i < row.block.count; ++i) {
            const auto own = lane->sockets(i);
            const auto same = [&](platform::native_socket fd, daemon::socket_role role) {
                if (fd < 0) return true;
                ++expected;
                const auto kept = keeping_.kept.find({stored->id, lane->port_at(i), role});
                return kept != keeping_.kept.end() && kept->second == machine_.at(static_cast<int>(fd));
            };
            if (!same(own.holder, daemon::socket_role::holder) || !same(own.session, daemon::socket_role::session) ||
                !same(own.other_holder, daemon::socket_role::other_holder)) {
                return "kept: port " + std::to_string(lane->port_at(i)) + " is not with the keeper as it is here";
            }
        }
    }
    if (keeping_.kept.size() != expected) {
        return "kept: " + std::to_string(keeping_.kept.size()) + " descriptors, and there should be " +
               std::to_string(expected);
    }
    return {};
}

std::string daemon_world::check_list() {
    if (list_.was_refused || list_.ever_refused) return {};
    daemon::port_set all = list_.foreign;
    for (const auto& row : books_.rows()) {
        for (std::uint32_t i = 0; i < row.block.count; ++i) all.set(row.block.first + i);
    }
    return all == list_.listed ? "" : "list: it has not the ports of all blocks, or has others";
}

}  // namespace berth::simulation
