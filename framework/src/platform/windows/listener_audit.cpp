// A listener that was in other hands; see listener_audit.hpp.
#include "platform/windows/listener_audit.hpp"

namespace berth::platform {
namespace {

struct row {
    int level, name, size;
    bool ipv6 = false;
};

// Numbers that older headers lack.
constexpr int tcp_keep_idle = 3, tcp_max_retransmit = 5, tcp_keep_count = 16, tcp_keep_interval = 17;

constexpr row rows[] = {
    {SOL_SOCKET, SO_KEEPALIVE, 4},
    {SOL_SOCKET, SO_LINGER, sizeof(linger)},
    {SOL_SOCKET, SO_OOBINLINE, 4},
    {SOL_SOCKET, SO_DONTROUTE, 4},
    {SOL_SOCKET, SO_RCVBUF, 4},
    {SOL_SOCKET, SO_SNDBUF, 4},
    {SOL_SOCKET, SO_RCVTIMEO, 4},
    {SOL_SOCKET, SO_SNDTIMEO, 4},
    {IPPROTO_TCP, TCP_NODELAY, 4},
    {IPPROTO_TCP, tcp_keep_idle, 4},
    {IPPROTO_TCP, tcp_keep_interval, 4},
    {IPPROTO_TCP, tcp_keep_count, 4},
    {IPPROTO_TCP, tcp_max_retransmit, 4},
    {IPPROTO_IP, IP_TTL, 4},
    {IPPROTO_IP, IP_TOS, 4},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 4, true},
};

}  // namespace

listener_audit::value listener_audit::read(windows_calls& os, native_socket s, std::size_t i) noexcept {
    value v;
    v.size = rows[i].size;
    if (os.getsockopt(s, rows[i].level, rows[i].name, v.bytes.data(), &v.size) < 0) v = {};
    return v;
}

void listener_audit::note(windows_calls& os, native_socket fresh, bool ipv6) noexcept {
    static_assert(std::size(rows) <= most);
    ipv6_ = ipv6;
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        if (!rows[i].ipv6 || ipv6) fresh_[i] = read(os, fresh, i);
    }
}

bool listener_audit::restore(windows_calls& os, native_socket lent) const noexcept {
    if (os.select_no_events(lent) < 0 || os.set_blocking(lent, false) < 0) return false;
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        const value& wanted = fresh_[i];
        if (wanted.size == 0) continue;
        const value now = read(os, lent, i);
        if (now.size == wanted.size && now.bytes == wanted.bytes) continue;
        if (os.setsockopt(lent, rows[i].level, rows[i].name, wanted.bytes.data(), wanted.size) < 0) return false;
        const value again = read(os, lent, i);
        if (again.size != wanted.size || again.bytes != wanted.bytes) return false;
    }
    return true;
}

}  // namespace berth::platform
