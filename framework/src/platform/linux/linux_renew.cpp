// Replacing a condemned session socket: the one bind after reserve.
//
// The holder stays throughout, so the window is that of the reserve sequence without its first step: none for an
// outbound TCP socket with CAP_NET_ADMIN, about 0.4 us (the listen) for a listener, as while reserving without it.
// The check compares the port's sockets before and after: whatever is new and not ours ends the attempt. (Remains of
// a connection that another session socket of the port just ended are new as well, and nobody's.)
#include "platform/linux/linux_block.hpp"
#include "platform/linux/socket_options.hpp"

#include <algorithm>

namespace berth::platform {

// listen() asks for the port again, which a holder without SO_REUSEADDR refuses: let go for that one call.
int linux_block::listen_over_holder(const port_sockets& fresh) noexcept {
    int r = set_option(os_, fresh.holder, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r >= 0) r = os_.listen(fresh.session, request_.backlog);
    const int off = set_option(os_, fresh.holder, SOL_SOCKET, SO_REUSEADDR, 0);
    return r < 0 ? r : off;
}

int linux_block::rebind_session(std::uint32_t index, port_sockets& fresh) noexcept {
    int r = make_session(index, fresh);
    if (r < 0) return r;
    const int fd = fresh.session;
    if (methods_.hold == hold_method::interface_tags) {
        r = dissolve(os_, fresh.holder);  // a tag left by an attempt that failed could not be changed without privilege
        if (r >= 0) r = set_option(os_, fresh.holder, SOL_SOCKET, option_bind_to_ifindex, holder_tag);
        if (r >= 0) r = set_option(os_, fd, SOL_SOCKET, option_bind_to_ifindex, birth_tag());
        if (r >= 0) r = bind_session(fd, port_at(index));
        if (r >= 0) r = untag_session(fd);
        const int untagged = dissolve(os_, fresh.holder);
        return r < 0 ? r : untagged;
    }
    if (methods_.hold == hold_method::repair) {
        r = bind_under_repair(fd, port_at(index), part::session);
        if (r >= 0) r = set_option(os_, fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (r < 0 || !is_listener()) return r;
        r = silence(index, fresh);
        if (r >= 0) r = listen_over_holder(fresh);
        return r < 0 ? r : wipe_reuse_memory(port_at(index));
    }
    r = dissolve(os_, fresh.holder);  // an attempt that failed may have left it listening
    if (r >= 0) r = set_option(os_, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r >= 0 && is_listener()) r = silence(index, fresh);
    if (r >= 0) r = set_option(os_, fresh.holder, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r >= 0) r = bind_session(fd, port_at(index));
    if (r >= 0 && !is_listener()) return listen_and_stop(fresh.holder);
    if (r >= 0) r = os_.listen(fd, request_.backlog);
    const int off = set_option(os_, fresh.holder, SOL_SOCKET, SO_REUSEADDR, 0);
    return r < 0 ? r : off;
}

renewal linux_block::renew(std::uint32_t index) noexcept {
    if (methods_.is_share) return renewal::failed;  // its holder's business
    auto& port = ports_[index];
    if (port.session >= 0) os_.close(port.session);
    port.session = -1;
    std::vector<socket_row> before, after;
    if (dump(port_at(index), 1, before) < 0) return renewal::failed;
    // A TIME_WAIT has its socket's cookie, and nobody can do anything with it.
    const auto is_old = [&](const auto& row) { return row.cookie == port.cookie && !is_remains(row); };
    if (std::any_of(before.begin(), before.end(), is_old)) return renewal::still_named;
    // A UDP socket whose user let SO_REUSEPORT sockets in leaves them behind: they would hear the next owner's datagrams.
    bool lives = false;
    if ((port.cookie == 0 || is_udp()) && old_session_lives(index, port, lives) < 0) return renewal::failed;
    if (lives) return renewal::still_named;

    port_sockets fresh = port;
    fresh.holder = holder_of(index);
    const int r = rebind_session(index, fresh);
    bool alone = r >= 0 && dump(port_at(index), 1, after) >= 0;
    for (const auto& row : after) {  // the holders are among those before
        alone = alone && (row.cookie == fresh.cookie || is_remains(row) || is_listed(before, row.cookie));
    }
    if (!alone) {
        if (fresh.session >= 0) os_.close(fresh.session);
        return renewal::failed;
    }
    port.session = fresh.session;
    port.cookie = fresh.cookie;
    return renewal::renewed;
}

}  // namespace berth::platform
