// Who becomes a consumer, and who was one already as the daemon started; see consumer_desk.hpp.
#include "consumer_desk.hpp"
#include "log_line.hpp"
#include "platform/random_bytes.hpp"
#include "reservation_core.hpp"

#include <algorithm>
#include <cerrno>

namespace berth::daemon {

using detail::port_lane;
using detail::service_answer;
using detail::service_request;
using detail::share_message;
using detail::share_verb;

namespace {

std::uint32_t user_of(int connection) {
    platform::credentials asker;
    return platform::credentials_of(connection, asker) == 0 ? asker.uid : ~std::uint32_t{0};
}

}  // namespace

consumer_desk::consumer_desk(descriptor_store& keeper, lender& blocks, consumer_limits limits)
    : keeper_(keeper), blocks_(blocks), limits_(limits) {}

// A connection without a ledger had no answer yet, a ledger without a connection has nobody: both are let go of. One
// that cannot be opened now says what a living consumer has all the same, so nobody goes on without it.
void consumer_desk::inherit(std::vector<kept_socket>& kept, failure& f) {
    std::map<std::uint64_t, consumer> found;
    std::erase_if(kept, [&](const kept_socket& s) {
        if (s.key.role != socket_role::connection && s.key.role != socket_role::ledger) return false;
        auto& c = found[s.key.block];
        c.id = s.key.block;
        platform::descriptor fd(s.fd);
        if (s.key.role == socket_role::connection) {
            c.connection = std::move(fd);
            c.user = user_of(c.connection.get());
        } else if (const int error = ledger::open(std::move(fd), c.book); error == EBADMSG) {
            log_line(log_level::error, "ledger_unreadable");
        } else if (error != 0) {
            f = {errc::system_failure,
                 "a consumer's books cannot be opened: " + std::generic_category().message(error), 0, 0};
        }
        return true;
    });
    if (f) return;
    for (auto& [id, c] : found) {
        if (c.connection && c.book.handle() >= 0) {
            all_.push_back(std::move(c));
        } else {
            to_forget_.push_back(id);
        }
    }
    drop_doubles();
}

// The order of every change makes it impossible; should it be so all the same, the first one has the port.
void consumer_desk::drop_doubles() {
    std::map<std::uint64_t, std::vector<bool>> taken;
    for (auto& c : all_) {
        auto& of_block = taken[c.book.block()];
        of_block.resize(std::max<std::size_t>(of_block.size(), c.book.ports()));
        c.book.for_each([&](std::uint32_t index) {
            if (of_block[index]) {
                log_line(log_level::error, "port_in_two_ledgers").with("index", index);
                c.book.remove(index);
            }
            of_block[index] = true;
        });
    }
}

void consumer_desk::serve_with(connection_watch& watch) {
    watch_ = &watch;
    for (auto c = all_.begin(); c != all_.end();) {
        const auto here = c++;
        while (here->epoch == 0) platform::random_bytes(&here->epoch, sizeof here->epoch);
        const bool told =
            send(*here, detail::encode(share_message{.verb = share_verb::restarted, .epoch = here->epoch}));
        !told && here->now == stage::shut_out ? shut_out(here) : listen_to(here);
    }
}

bool consumer_desk::is_out(std::uint64_t block, std::uint32_t index) const noexcept {
    return std::any_of(all_.begin(), all_.end(), [&](const consumer& c) {
        return c.book.block() == block && index < c.book.ports() && c.book.has(index);
    });
}

void consumer_desk::mark_out(std::uint64_t block, port_lane& lane) const noexcept {
    for (const auto& c : all_) {
        if (c.book.block() != block) continue;
        c.book.for_each([&](std::uint32_t index) { lane.lend_given(index); });
    }
}

failure consumer_desk::no_room(int connection) const {
    if (all_.size() >= limits_.consumers) {
        return {errc::service_unavailable,
                "berthd serves " + std::to_string(limits_.consumers) + " shares already, and no more", 0, 0};
    }
    const auto user = user_of(connection);
    const auto of_user = std::count_if(all_.begin(), all_.end(), [&](const auto& c) { return c.user == user; });
    if (of_user < static_cast<std::ptrdiff_t>(limits_.of_one_user)) return {};
    return {errc::service_unavailable,
            "the processes of user " + std::to_string(user) + " have " + std::to_string(of_user) +
                " shares, and no user may have more of the " + std::to_string(limits_.consumers) +
                " that berthd serves",
            0, 0};
}

void consumer_desk::take(const service_request& request, platform::descriptor& connection, failure& f) {
    const auto* const row = blocks_.row_of(request.token);
    if (row == nullptr) {
        f = {errc::invalid_token, "no persistent reservation has this token", 0, 0};
        return;
    }
    if ((f = no_room(connection.get()))) return;
    const std::uint64_t network = blocks_.network(f);
    if (f) return;
    consumer fresh;
    fresh.user = user_of(connection.get());
    fresh.now = stage::served;
    platform::random_bytes(&fresh.id, sizeof fresh.id);
    if (const int error = ledger::make(row->id, row->block.count, fresh.book); error != 0) {
        f = {error == EMFILE ? errc::too_many_files : errc::system_failure,
             "berthd cannot keep a consumer's books: " + std::generic_category().message(error), 0, 0};
        return;
    }
    const kept_socket kept[] = {{{fresh.id, 0, socket_role::connection}, connection.get()},
                                {{fresh.id, 0, socket_role::ledger}, fresh.book.handle()}};
    keeper_.put(kept, f);
    if (f) {
        if (f.code != errc::too_many_files) blocks_.keeper_failed(f);
        return to_forget_.push_back(fresh.id);
    }
    service_answer out;
    out.kind = request.kind;
    out.id = request.id;
    out.protocol = row->protocol;
    out.use = row->use;
    out.block = row->block;
    out.token = row->token;
    auto* const lane = blocks_.lane_of(row->id);
    const auto family = lane == nullptr ? address_family::dual : lane->core().request().family;
    out.numbers = {static_cast<std::uint32_t>(family), static_cast<std::uint32_t>(network),
                   static_cast<std::uint32_t>(network >> 32)};
    fresh.connection = std::move(connection);
    all_.push_back(std::move(fresh));
    const auto c = std::prev(all_.end());
    if (!send(*c, detail::encode(out))) return end(c);
    listen_to(c);
    if (row->is_draining && !send(*c, detail::encode(share_message{.verb = share_verb::recall_all}))) end(c);
}

}  // namespace berth::daemon
