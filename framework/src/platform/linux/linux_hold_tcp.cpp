// The orders of calls that bind a TCP port, and why nobody who was there for a moment can come back.
//
// Being inside while a port is bound is one danger; the closing check finds who stays. The other is the kernel's memory
// of a port: a visitor with reuse flags sets it and leaves, and later his uid (SO_REUSEPORT) or anybody
// (SO_REUSEADDR) passes a holder without flags. The memory is wiped by any later bind or listen without SO_REUSEPORT
// that succeeds; a listen wipes both. So in every order the last bind or listen comes when the door is shut already:
//  repair, outbound   holder plain bind; session under TCP_REPAIR. The door is never open.
//  repair, listener   session plain bind and listen; holder under TCP_REPAIR; where the session is not on all
//                     addresses of both families, one more bind under TCP_REPAIR wipes.
//  toggle, outbound   both SO_REUSEADDR; session bind; the holder listens, which shuts the door and wipes, and stops
//                     listening once its flag is off.
//  The same with several session sockets a port: under TCP_REPAIR they come one by one; by the toggle all of them are
//  bound in one go, some 1 us each, before the one listen.
//  toggle, listener   the session's listen shuts and wipes where it is dual-stack; else the holder is split by family,
//                     and the bind of the other family's half, which overlaps nothing, is the last.
#include "platform/linux/linux_block.hpp"
#include "platform/linux/socket_options.hpp"

#include <cerrno>

namespace berth::platform {

int linux_block::listen_and_stop(int fd) noexcept {
    int r = os_.listen(fd, 0);
    const int off = set_option(os_, fd, SOL_SOCKET, SO_REUSEADDR, 0);
    if (r >= 0) r = dissolve(os_, fd);
    return r < 0 ? r : off;
}

// TIME_WAITs of a predecessor give way to SO_REUSEADDR, and to nothing else.
int linux_block::bind_over_remains(int fd, std::uint16_t port, part p) noexcept {
    int r = bind_holder(fd, port, p);
    if (r != -EADDRINUSE) return r;
    r = set_option(os_, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r >= 0) r = bind_holder(fd, port, p);
    return r < 0 ? r : listen_and_stop(fd);
}

int linux_block::bind_under_repair(int fd, std::uint16_t port, part p) noexcept {
    int r = set_option(os_, fd, IPPROTO_TCP, option_tcp_repair, 1);
    if (r >= 0) r = p == part::session ? bind_session(fd, port) : bind_holder(fd, port, p);
    return r < 0 ? r : set_option(os_, fd, IPPROTO_TCP, option_tcp_repair, 0);
}

int linux_block::wipe_reuse_memory(std::uint16_t port) noexcept {
    if (request_.family == address_family::dual) return 0;
    const int passing = make_socket(part::holder);
    if (passing < 0) return passing;
    const int r = bind_under_repair(passing, port, part::holder);
    os_.close(passing);
    return r;
}

int linux_block::hold_tcp_by_repair(std::uint32_t index, port_sockets& port) noexcept {
    int r = make_session(index, port);
    if (r < 0) return r;
    if ((port.holder = make_socket(part::holder)) < 0) return port.holder;
    const std::uint16_t number = port_at(index);
    if (!is_listener()) {
        r = bind_over_remains(port.holder, number, part::holder);
        if (r >= 0) r = bind_under_repair(port.session, number, part::session);
        return r < 0 ? r : set_option(os_, port.session, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    r = bind_session(port.session, number);
    if (r == -EADDRINUSE) {
        r = set_option(os_, port.session, SOL_SOCKET, SO_REUSEADDR, 1);
        if (r >= 0) r = bind_session(port.session, number);
    }
    if (r >= 0) r = silence(index, port);
    if (r >= 0) r = os_.listen(port.session, request_.backlog);
    if (r >= 0) r = bind_under_repair(port.holder, number, part::holder);
    if (r >= 0) r = set_option(os_, port.session, SOL_SOCKET, SO_REUSEADDR, 1);
    return r < 0 ? r : wipe_reuse_memory(number);
}

int linux_block::hold_tcp_by_toggle(std::uint32_t index, port_sockets& port) noexcept {
    int r = make_session(index, port);
    if (r < 0) return r;
    if ((port.holder = make_socket(part::holder)) < 0) return port.holder;
    const std::uint16_t number = port_at(index);
    r = set_option(os_, port.session, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r >= 0 && is_listener()) r = silence(index, port);
    if (r >= 0) r = bind_over_remains(port.holder, number, part::holder);
    if (r >= 0) r = set_option(os_, port.holder, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r >= 0) r = bind_session(port.session, number);
    if (r < 0) return r;
    if (!is_listener()) return listen_and_stop(port.holder);
    r = os_.listen(port.session, request_.backlog);
    const int off = set_option(os_, port.holder, SOL_SOCKET, SO_REUSEADDR, 0);
    if (r < 0 || off < 0 || other_holders_.empty()) return r < 0 ? r : off;
    const int other = make_socket(part::other_holder);
    if (other < 0) return other;
    other_holders_[index] = other;
    return bind_over_remains(other, number, part::other_holder);
}

// Under the holder's flag all of them are bound; they are pushed first, so that nothing can fail between the calls.
int linux_block::hold_several_by_toggle(std::uint32_t first) noexcept {
    const std::uint16_t number = port_at(first);
    auto& holder = ports_[first].holder;
    int r = 0;
    for (std::uint32_t i = first; r >= 0 && i < first + sessions(); ++i) {
        r = make_session(i, ports_[i]);
        if (r >= 0) r = set_option(os_, ports_[i].session, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    if (r >= 0) r = holder = make_socket(part::holder);
    if (r >= 0) r = bind_over_remains(holder, number, part::holder);
    if (r >= 0) r = set_option(os_, holder, SOL_SOCKET, SO_REUSEADDR, 1);
    for (std::uint32_t i = first; r >= 0 && i < first + sessions(); ++i) r = bind_session(ports_[i].session, number);
    return r < 0 ? r : listen_and_stop(holder);
}

int linux_block::hold_several() noexcept {
    const std::uint32_t index = held(), of_port = index % sessions();
    const std::uint32_t together = methods_.hold == hold_method::repair ? 1 : sessions();
    ports_.resize(index + together);  // within what was reserved
    int r = 0;
    if (together != 1) {
        r = hold_several_by_toggle(index);
    } else if (of_port == 0) {
        r = hold_tcp_by_repair(index, ports_[index]);
    } else {
        r = make_session(index, ports_[index]);
        if (r >= 0) r = bind_under_repair(ports_[index].session, port_at(index), part::session);
        if (r >= 0) r = set_option(os_, ports_[index].session, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    if (r >= 0) {
        not_dropped_[index / sessions()].fetch_add(together);
        return r;
    }
    for (std::uint32_t i = index; i < index + together; ++i) close_all(i, ports_[i]);
    ports_.resize(index);
    return r;
}

}  // namespace berth::platform
