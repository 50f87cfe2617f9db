// Reading and writing rows of the option table through the seam.
#include "platform/linux/option_table.hpp"

#include "platform/linux/socket_options.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace berth::platform {
namespace {

constexpr socklen_t unreadable_filter = 0xffff;  // an eBPF program: the kernel says that it is there, not what it is

std::uint8_t kind_bit(port_kind kind) noexcept {
    switch (kind) {
        case port_kind::udp:
            return for_udp;
        case port_kind::tcp_listen:
            return for_listen;
        case port_kind::tcp_connect:
            return for_connect;
    }
    return 0;
}

// The kernel keeps the time when lingering is switched off, and uses it never again.
void forget_time_of_no_linger(option_value& v) noexcept {
    linger l{};
    std::memcpy(&l, v.bytes.data(), sizeof l);
    if (l.l_onoff == 0) v.bytes = {};
}

int families_of(system_calls& calls, int fd) noexcept {
    int domain = 0, only = 0;
    socklen_t size = sizeof domain;
    if (const int r = calls.getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size); r < 0) return r;
    if (domain == AF_INET) return speaks_ipv4;
    size = sizeof only;
    if (const int r = calls.getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size); r < 0) return r;
    return only != 0 ? speaks_ipv6 : speaks_any;
}

}  // namespace

int read_option(system_calls& calls, int fd, const option_row& row, option_value& out) noexcept {
    out.row = &row;
    out.bytes = {};
    out.size = row.size;
    const int r = calls.getsockopt(fd, row.level, row.name, out.bytes.data(), &out.size);
    if (row.level == SOL_SOCKET && row.name == SO_ATTACH_FILTER && r == -EACCES) {
        out.size = unreadable_filter;
        return 0;
    }
    if (row.level == SOL_SOCKET && row.name == SO_LINGER) forget_time_of_no_linger(out);
    return r < 0 ? r : 0;
}

int write_option(system_calls& calls, int fd, const option_value& value) noexcept {
    const int r = calls.setsockopt(fd, value.row->level, value.row->name, value.bytes.data(), value.size);
    return r < 0 ? r : 0;
}

bool is_absent(int error) noexcept { return error == -ENOPROTOOPT || error == -EOPNOTSUPP; }

bool same(const option_value& a, const option_value& b) noexcept { return a.size == b.size && a.bytes == b.bytes; }

int read_all_options(system_calls& calls, int fd, port_kind kind, std::vector<option_value>& out) {
    const int families = families_of(calls, fd);
    if (families < 0) return families;
    for (const option_row& row : option_table()) {
        if ((row.kinds & kind_bit(kind)) == 0 || (row.families & families) == 0) continue;
        option_value value;
        const int r = read_option(calls, fd, row, value);
        if (r < 0 && !is_absent(r)) return r;
        if (r < 0) {
            if (row.back != undo::clear_blind) continue;
            value.size = row.size;
        }
        out.push_back(value);
    }
    return 0;
}

int read_memory(system_calls& calls, int fd, std::array<std::uint32_t, 3>& out) noexcept {
    std::uint32_t words[meminfo_words] = {};
    socklen_t size = sizeof words;
    const int r = calls.getsockopt(fd, SOL_SOCKET, option_meminfo, words, &size);
    out = {words[meminfo_receive_buffer], words[meminfo_send_buffer], words[meminfo_option]};
    return r < 0 ? r : 0;
}

int write_buffers(system_calls& calls, int fd, const std::array<std::uint32_t, 3>& wanted) noexcept {
    const int names[2][2] = {{SO_RCVBUF, SO_RCVBUFFORCE}, {SO_SNDBUF, SO_SNDBUFFORCE}};
    std::array<std::uint32_t, 3> now{};
    if (const int r = read_memory(calls, fd, now); r < 0) return r;
    for (std::size_t i = 0; i < 2; ++i) {
        if (now[i] == wanted[i]) continue;
        const int half = static_cast<int>(wanted[i] / 2);
        if (const int r = calls.setsockopt(fd, SOL_SOCKET, names[i][0], &half, sizeof half); r < 0) return r;
        if (const int r = read_memory(calls, fd, now); r < 0) return r;
        if (now[i] == wanted[i]) continue;
        // Above net.core.rmem_max / wmem_max: only the privileged form goes there.
        if (const int r = calls.setsockopt(fd, SOL_SOCKET, names[i][1], &half, sizeof half); r < 0) return r;
        if (const int r = read_memory(calls, fd, now); r < 0) return r;
        if (now[i] != wanted[i]) return -ERANGE;
    }
    return 0;
}

}  // namespace berth::platform
