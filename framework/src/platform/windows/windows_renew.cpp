// Replacing a session socket, and who names it; see windows_block.hpp.
//
// The system counts the handles on a socket's object, whoever has them: what exceeds the block's own is somebody
// else's. Native, the port stays in the block between the old socket's close and the new one's bind; fallback, it is
// nobody's for that long, and if somebody takes it then, the port stays condemned until he lets go.
#include "platform/windows/windows_block.hpp"
#include "platform/windows/winsock_address.hpp"
#include "platform/windows/winsock_failure.hpp"

namespace berth::platform {
namespace {

bool is_another_s(int r) noexcept { return r == -WSAENOTSOCK || r == -WSA_INVALID_HANDLE || r == -WSAEINVAL; }

}  // namespace

// Without a holder it is told by its port, which only a session socket has; accepted sockets share a listener's, and
// do not listen. If the system does not say, it counts as ours: a socket that is let go by mistake has its port for
// ever.
bool windows_block::still_ours(std::uint32_t index) noexcept {
    const auto& slot = slots_[index];
    if (slot.session < 0) return false;
    if (slot.holder >= 0) return os_.same(handle_of(slot.holder), slot.session) != 0;
    std::uint16_t port = 0;
    const int r = local_port(os_, slot.session, port);
    if (r < 0 ? is_another_s(r) : port != port_at(index)) return false;
    int type = 0, size = sizeof type;
    const int t = os_.getsockopt(slot.session, SOL_SOCKET, SO_TYPE, &type, &size);
    if (t < 0 ? is_another_s(t) : type != (is_udp() ? SOCK_DGRAM : SOCK_STREAM)) return false;
    return !is_listener() || get_flag(os_, slot.session, SOL_SOCKET, SO_ACCEPTCONN) != 0;
}

// Handles that are not the block's; if that cannot be told, one.
std::uint32_t windows_block::others_of(std::uint32_t index) noexcept {
    const auto& slot = slots_[index];
    const bool has_session = still_ours(index);
    const native_socket any = has_session ? slot.session.load() : slot.holder.load();
    if (any < 0) return 0;
    const std::uint32_t own = (has_session ? 1u : 0u) + (slot.holder >= 0 ? 1u : 0u);
    std::uint32_t handles = 0;
    if (os_.count_handles(handle_of(any), handles) < 0) return 1;
    return handles - std::min(handles, own);
}

// A connection ends by a reset: what is left of it would keep the port, and its data is the old session's.
void windows_block::end(native_socket s) noexcept {
    constexpr linger at_once{1, 0};
    if (!is_udp()) os_.setsockopt(s, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    os_.close(s);
}

void windows_block::end_session(std::uint32_t index) noexcept {
    auto& slot = slots_[index];
    const bool is_there = still_ours(index);
    const native_socket session = slot.session.exchange(-1);
    if (is_there) end(session);
    const native_socket holder = slot.holder.exchange(-1);
    if (holder >= 0) end(holder);
}

renewal windows_block::renew(std::uint32_t index) noexcept {
    if (others_of(index) != 0) return renewal::still_named;
    end_session(index);
    if (!methods_.is_native) return bind_exclusively(index) < 0 ? renewal::failed : renewal::renewed;
    native_socket fresh = -1;
    bool none_left = false;
    if (draw(index, fresh, none_left) < 0) return none_left ? renewal::still_named : renewal::failed;
    return place(index, fresh) < 0 ? renewal::failed : renewal::renewed;
}

void windows_block::find_named(std::span<const std::uint32_t> indices, std::span<const std::uint32_t>,
                               std::vector<named_by>& names) {
    names.clear();
    for (const auto index : indices) {
        const native_socket session = slots_[index].session;
        names.push_back(others_of(index) != 0                                      ? named_by::descriptor
                        : session >= 0 && methods_.leaving.is_on_one(os_, session) ? named_by::event_queue
                                                                                   : named_by::nobody);
    }
}

native_socket windows_block::duplicate(std::uint32_t index, error_code& ec) noexcept {
    const native_socket copy = os_.duplicate(slots_[index].session);
    ec = copy < 0 ? code_of(copy) : error_code();
    return copy < 0 ? -1 : copy;
}

std::uint64_t windows_block::cookie_of(native_socket s, std::uint16_t port) noexcept {
    if (!request_.block.contains(port)) return 0;
    const auto& slot = slots_[std::uint32_t{port} - request_.block.first];
    const native_socket session = slot.session;
    return session >= 0 && (s == session || os_.same(handle_of(session), s) == 1) ? slot.cookie.load() : 0;
}

bool windows_block::count_others(std::uint64_t cookie, native_socket not_counted, std::uint32_t& others) noexcept {
    for (std::uint32_t i = 0; i < request_.block.count; ++i) {
        if (slots_[i].cookie != cookie) continue;
        const native_socket session = slots_[i].session;
        others = others_of(i) + (session >= 0 && session != not_counted ? 1u : 0u);
        return true;
    }
    return false;
}

void windows_block::mark_used(bool tcp, std::vector<bool>& used) const noexcept {
    if (tcp == is_udp()) return;
    for (std::uint32_t i = 0; i < request_.block.count; ++i) {
        const auto& slot = slots_[i];
        if (slot.session >= 0 || slot.holder >= 0 || reservation_.is_held()) used[port_at(i)] = true;
    }
}

}  // namespace berth::platform
