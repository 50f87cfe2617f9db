// The closing check: who else is on our ports? Asked of the kernel by sock_diag, compared by socket cookie.
//
// Reserve ends with it always; renew ends with it for its one port. Remains of connections that no process has (a
// predecessor's TIME_WAITs and orphans) cannot bind or listen and are not counted; every other foreign socket is.
#include "platform/linux/linux_block.hpp"
#include "platform/linux/os_failure.hpp"
#include "platform/linux/socket_dump.hpp"
#include "platform/linux/socket_options.hpp"

#include <algorithm>
#include <cerrno>
#include <new>

namespace berth::platform {
namespace {

bool is_connection(const socket_row& row) { return row.state != listen_ && row.state != close_ && row.state != bound_inactive; }

const char* name_of(std::uint8_t state) {
    static constexpr const char* names[] = {"?", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
                                            "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
                                            "NEW_SYN_RECV", "BOUND"};
    return state < std::size(names) ? names[state] : "?";
}

std::string describe_socket(const socket_row& row) {
    return std::string("a socket of uid ") + std::to_string(row.uid) + " (inode " + std::to_string(row.inode) +
           ", state " + name_of(row.state) + ")";
}

}  // namespace

std::string linux_block::who_has(std::uint16_t port) noexcept {
    std::vector<socket_row> rows;
    if (dump(port, 1, rows) < 0) return {};
    const auto held = std::find_if(rows.begin(), rows.end(), [](const auto& row) { return !is_remains(row); });
    try {
        return held == rows.end() ? std::string() : describe_socket(*held);
    } catch (const std::bad_alloc&) {
        return {};
    }
}

int linux_block::dump(std::uint16_t first, std::uint32_t count, std::vector<socket_row>& rows) noexcept {
    rows.clear();
    try {
        return dump_sockets(os_, !is_udp(), first, count, rows);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
}

// Who held all sockets of a port has let nobody else connect from there: connections are clients of a listener that
// serves, or did. But where a session socket was bound anew, whoever came with it may be connected by now.
bool linux_block::may_have_clients(std::uint32_t index) const noexcept {
    if (request_.over) return is_inherited(index) && !is_udp();
    return is_inherited(index) && is_listener() && request_.inherited[index].session >= 0;
}

// Adds to `foreign` every row that is neither remains nor a socket of this block's.
int linux_block::find_foreign(const std::vector<socket_row>& rows, std::vector<socket_row>& foreign) {
    for (const auto& row : rows) {
        const std::uint32_t index = first_index_of(row);
        if (index >= ports_.size() || is_remains(row) || is_out(index)) continue;  // out: with its own connections
        if (is_connection(row) && may_have_clients(index)) continue;
        const auto& port = ports_[index];
        const auto first = ports_.begin() + index;
        const bool is_session =
            std::any_of(first, first + sessions(), [&](const auto& p) { return p.cookie == row.cookie; });
        if (is_session) continue;
        if (port.session < 0) continue;  // adopted without one: a copy of the old one may be here, and renew() waits
        bool ours = false;
        if (const int r = is_holder_of(index, port, row.cookie, ours); r < 0) return r;
        if (!ours) foreign.push_back(row);
    }
    return 0;
}

// The kernel collects rows under a lock and fills them in behind it: a client that hangs up in between is listed as if
// it were bound only (45 of a probe's 30,304 dumps beside three threads of clients), and then it is gone.
int linux_block::forget_hung_up(std::vector<socket_row>& foreign) noexcept {
    std::vector<socket_row> rows;
    for (auto row = foreign.begin(); row != foreign.end();) {
        const bool may_be = row->state == close_ && may_have_clients(first_index_of(*row));
        if (const int r = may_be ? dump(row->port, 1, rows) : 0; r < 0) return r;
        row = may_be && !is_listed(rows, row->cookie) ? foreign.erase(row) : row + 1;
    }
    return 0;
}

// Which was its cookie nobody knows any more: what is neither a holder, nor the session socket, nor a client that an
// old listener let in.
int linux_block::old_session_lives(std::uint32_t index, const port_sockets& port, bool& lives) noexcept {
    std::vector<socket_row> rows;
    int r = dump(port_at(index), 1, rows);
    lives = false;
    for (auto row = rows.begin(); r >= 0 && !lives && row != rows.end(); ++row) {
        if (is_remains(*row) || (is_listener() && is_connection(*row))) continue;
        if (port.session >= 0 && row->cookie == port.cookie) continue;
        bool ours = false;
        r = is_holder_of(index, port, row->cookie, ours);
        lives = !ours;
    }
    return r;
}

int linux_block::is_holder_of(std::uint32_t index, const port_sockets& port, std::uint64_t cookie,
                              bool& ours) noexcept {
    std::uint64_t holder = 0;
    int r = cookie_of(os_, port.holder >= 0 ? port.holder : holder_of(index), holder);
    ours = cookie == holder;
    if (r < 0 || ours || other_holders_.empty()) return r;
    r = cookie_of(os_, other_holders_[index], holder);
    ours = cookie == holder;
    return r;
}

// A piece is one dump of one family: the kernel makes it without a pause, so that a socket cannot move about under it
// for longer than it takes.
bool linux_block::seal_some(std::uint32_t most, failure& f) {
    const char* protocol = is_udp() ? "UDP" : "TCP";
    if (sealing_.looks == looks_needed()) {
        if (const int r = note_baselines(); r < 0) {
            f = port_failure(r, protocol, request_.block.first);
            f.what = "noting what a fresh socket is like failed: " + f.what;
        }
        return false;
    }
    std::vector<socket_row> rows, foreign;
    const std::uint32_t ports = std::max(most / sessions(), 1u);
    const std::uint32_t count = std::min(ports * sessions(), held() - sealing_.from);
    int r = dump_family(os_, !is_udp(), sealing_.ipv6 ? AF_INET6 : AF_INET, port_at(sealing_.from),
                        count / sessions(), rows);
    if (r >= 0) r = find_foreign(rows, foreign);
    if (r >= 0) r = forget_hung_up(foreign);
    if (r < 0) {
        f = port_failure(r, protocol, request_.block.first);
        f.what = "the closing check by sock_diag failed: " + f.what;
    } else if (!foreign.empty()) {
        f = port_failure(-EADDRINUSE, protocol, foreign.front().port, describe_socket(foreign.front()));
    }
    if (f) return false;
    sealing_.from += count;
    if (sealing_.from == held()) {
        sealing_.from = 0;
        sealing_.looks += sealing_.ipv6;
        sealing_.ipv6 = !sealing_.ipv6;
    }
    return true;
}

// The kernel walks listening, bound and connected TCP sockets one after the other: one that moves between them
// meanwhile can be missed by a dump (4 in 100 were, of a socket that did nothing else), and hardly by three.
int linux_block::looks_needed() const noexcept {
    const bool nobody_could_enter =
        methods_.hold == hold_method::repair && (!is_listener() || request_.family == address_family::dual);
    return is_udp() || nobody_could_enter ? 1 : 3;
}

// A session socket is audited while it is open, so it is noted while it is open.
int linux_block::note_baselines(std::uint32_t index) noexcept {
    if (request_.over) return note_baselines_apart();
    int r = unsilence(index);
    if (r < 0) return r;
    audit_ = option_audit::capture(os_, ports_[index].session, request_.kind, r);
    if (audit_) carrier_ = option_carrier::capture(os_, session_family(), request_.kind, r);
    const int silenced = silence(index, ports_[index]);
    return carrier_ ? silenced : r;
}

// Sockets that were in other hands are no standard.
int linux_block::note_baselines() noexcept {
    if (!request_.inherited.empty() && !request_.over) return note_baselines_elsewhere();
    for (std::uint32_t i = 0; i < held(); ++i) {
        if (!is_out(i)) return note_baselines(i);
    }
    return note_baselines_elsewhere();
}

// A socket of another port is the sample.
int linux_block::note_baselines_elsewhere() noexcept {
    const int fd = make_socket(part::session);
    if (fd < 0) return fd;
    int r = is_udp() ? 0 : set_option(os_, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r >= 0) r = bind_session(fd, 0);
    if (r >= 0 && is_listener()) r = os_.listen(fd, request_.backlog);
    if (r >= 0) audit_ = option_audit::capture(os_, fd, request_.kind, r);
    if (audit_) carrier_ = option_carrier::capture(os_, session_family(), request_.kind, r);
    os_.close(fd);
    return carrier_ ? 0 : r;
}

}  // namespace berth::platform
