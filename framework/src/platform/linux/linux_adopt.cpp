// Sockets that somebody kept become a block's again, and the ports are never anybody's in between.
//
// Whoever held them before may have died in the middle of anything, so each is put into the state that it rests in: a
// holder without reuse flag, tag and queue, a session socket silent and, for a listener, listening. Every step is one
// that changes nothing where there is nothing to change. Who else is on the ports, the closing check says as always.
#include "platform/linux/linux_block.hpp"
#include "platform/linux/os_failure.hpp"
#include "platform/linux/socket_options.hpp"

#include <cerrno>

namespace berth::platform {

bool linux_block::is_inherited(std::uint32_t index) const noexcept {
    return index < request_.inherited.size() && request_.inherited[index].holder >= 0;
}

// Of the block's protocol and of this family, and bound to this port on all addresses, or on the session's one.
int linux_block::check_inherited(int fd, std::uint16_t port, int family) noexcept {
    int type = 0, domain = 0;
    int r = get_option(os_, fd, SOL_SOCKET, SO_TYPE, type);
    if (r >= 0) r = get_option(os_, fd, SOL_SOCKET, SO_DOMAIN, domain);
    socket_address bound;
    bound.size = sizeof bound.storage;
    if (r >= 0) r = os_.getsockname(fd, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
    if (r < 0) return r;
    // the port is at the same place in both families
    const bool is_it =
        type == (is_udp() ? SOCK_DGRAM : SOCK_STREAM) && domain == family && bound.storage.sin6_port == htons(port);
    return is_it ? 0 : -ESTALE;
}

int linux_block::adopt_holder(int inherited, std::uint16_t port, part p) noexcept {
    int r = check_inherited(inherited, port, family_of(p));
    if (r >= 0) r = dissolve(os_, inherited);  // clears a tag, ends a listen; the port stays bound
    if (r >= 0 && !is_udp()) r = set_option(os_, inherited, SOL_SOCKET, SO_REUSEADDR, 0);
    return r < 0 ? r : os_.dup_above(inherited, 0);
}

bool linux_block::is_silent(int fd) noexcept {
    int tag = 0;
    return methods_.park == park_method::interface_tag &&
           get_option(os_, fd, SOL_SOCKET, option_bind_to_ifindex, tag) >= 0 && tag == session_tag;
}

int linux_block::adopt_session(std::uint32_t index, port_sockets& port) noexcept {
    const int inherited = static_cast<int>(request_.inherited[index].session);
    if (inherited < 0) return rebind_adopted(index, port);
    if (is_out(index)) {
        port.session = os_.dup_above(inherited, 0);
        return port.session < 0 ? port.session : cookie_of(os_, port.session, port.cookie);
    }
    int r = check_inherited(inherited, port_at(index), session_family());
    if (r >= 0 && is_listener()) {
        int listens = 0;
        r = get_option(os_, inherited, SOL_SOCKET, SO_ACCEPTCONN, listens);
        if (r >= 0 && listens == 0) r = -ESTALE;
    }
    if (r >= 0) r = cookie_of(os_, inherited, port.cookie);
    if (r >= 0) r = os_.dup_above(inherited, 0);
    if (r < 0) return r;
    port.session = r;
    if (is_silent(port.session)) return 0;  // without privilege a tag that is there cannot be set again
    return silence(index, port);
}

// Whoever has a descriptor of the old session socket keeps it on the port. Such a port waits without one until
// renew() finds the old one gone, and costs the others nothing.
int linux_block::rebind_adopted(std::uint32_t index, port_sockets& port) noexcept {
    bool lives = false;
    int r = old_session_lives(index, port, lives);
    if (r < 0 || lives) return r;
    if ((r = rebind_session(index, port)) >= 0) r = old_session_lives(index, port, lives);
    if (r >= 0 && !lives) return 0;
    if (port.session >= 0) os_.close(port.session);
    port.session = -1;
    port.cookie = 0;
    return 0;
}

int linux_block::adopt_one(std::uint32_t index, port_sockets& port) noexcept {
    const auto& inherited = request_.inherited[index];
    port.holder = adopt_holder(static_cast<int>(inherited.holder), port_at(index), part::holder);
    if (port.holder < 0) return port.holder;
    if (methods_.splits_holders && inherited.other_holder >= 0) {
        const int other = adopt_holder(static_cast<int>(inherited.other_holder), port_at(index), part::other_holder);
        if (other < 0) return other;
        other_holders_[index] = other;
    }
    return adopt_session(index, port);
}

// What it is like was seen to by who sent it; which port it is, and that it is one, is looked at here.
error_code linux_block::receive(std::uint32_t index, native_socket session) noexcept {
    auto& port = ports_[index];
    const int fd = static_cast<int>(session);
    int r = check_inherited(fd, port_at(index), session_family());
    if (r >= 0) r = cookie_of(os_, fd, port.cookie);
    if (r < 0) return code_of(r);
    port.session = fd;
    if (!audit_ && (r = note_baselines(index)) < 0) {
        port.session = -1;
        return code_of(r);
    }
    return {};
}

// Whoever had the sockets still serves with them: looked at, and otherwise left alone. Nothing is kept on failure.
int linux_block::take_over_one(std::uint32_t index, port_sockets& port) noexcept {
    const auto& from = request_.inherited[index];
    const std::uint16_t number = port_at(index);
    int r = check_inherited(static_cast<int>(from.holder), number, family_of(part::holder));
    if (r >= 0 && methods_.splits_holders) {
        r = check_inherited(static_cast<int>(from.other_holder), number, family_of(part::other_holder));
    }
    if (r >= 0 && from.session >= 0) {
        std::uint64_t cookie = 0;
        r = check_inherited(static_cast<int>(from.session), number, session_family());
        if (r >= 0) r = cookie_of(os_, static_cast<int>(from.session), cookie);
        if (r >= 0 && cookie != request_.over->cookies[index]) r = -ESTALE;
    }
    if (r < 0) return r;
    port = {static_cast<int>(from.holder), static_cast<int>(from.session), request_.over->cookies[index]};
    if (methods_.splits_holders) other_holders_[index] = static_cast<int>(from.other_holder);
    return 0;
}

// What a fresh session socket is like, without touching one of those that are served with.
int linux_block::note_baselines_apart() noexcept {
    const int fd = make_socket(part::session);
    if (fd < 0) return fd;
    int r = filter_ ? filter_->attach(fd) : 0;
    if (r >= 0 && !request_.address.is_unspecified()) r = bind_session(fd, 0);
    if (r >= 0 && is_listener()) r = os_.listen(fd, request_.backlog);
    if (r >= 0 && !is_udp()) r = set_option(os_, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r >= 0) audit_ = option_audit::capture(os_, fd, request_.kind, r);
    if (audit_) carrier_ = option_carrier::capture(os_, session_family(), request_.kind, r);
    os_.close(fd);
    return r;
}

}  // namespace berth::platform
