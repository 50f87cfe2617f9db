// Session-like sockets of every kind and family, for the tests of options.
#pragma once

#include "platform/linux/option_table.hpp"

#include <ostream>
#include <string>
#include <vector>

#include "unit/linux/kernel_sockets.hpp"

namespace berth_test {

using berth::platform::option_row;
using berth::platform::option_value;
using berth::platform::port_kind;

struct session_shape {
    const char* text;
    port_kind kind;
    int family;
    bool only_ipv6;
    friend std::ostream& operator<<(std::ostream& out, const session_shape& s) { return out << s.text; }
};

inline constexpr session_shape session_shapes[] = {
    {"udp_ipv4", port_kind::udp, AF_INET, false},
    {"udp_ipv6", port_kind::udp, AF_INET6, true},
    {"udp_dual", port_kind::udp, AF_INET6, false},
    {"tcp_listen_ipv4", port_kind::tcp_listen, AF_INET, false},
    {"tcp_listen_dual", port_kind::tcp_listen, AF_INET6, false},
    {"tcp_connect_ipv4", port_kind::tcp_connect, AF_INET, false},
    {"tcp_connect_dual", port_kind::tcp_connect, AF_INET6, false},
};

inline int type_of(port_kind kind) { return kind == port_kind::udp ? SOCK_DGRAM : SOCK_STREAM; }

// By number: a port that bind(0) chose is lost again at connect(AF_UNSPEC).
inline descriptor make_session(const session_shape& s) {
    descriptor chooser = bound_socket(s.family, type_of(s.kind), 0, s.only_ipv6);
    const std::uint16_t port = port_of(chooser);
    chooser.close();
    descriptor fd = bound_socket(s.family, type_of(s.kind), port, s.only_ipv6);
    if (s.kind == port_kind::tcp_listen) {
        EXPECT_EQ(::listen(fd, 16), 0);
    }
    if (s.kind != port_kind::udp) set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return fd;
}

inline std::vector<option_value> values_of(int fd, port_kind kind) {
    std::vector<option_value> out;
    EXPECT_EQ(berth::platform::read_all_options(berth::platform::linux_calls(), fd, kind, out), 0);
    return out;
}

/// Tries values until the option reads differently. False: nothing that this user may set changes it.
inline bool change_option(int fd, const option_value& fresh) {
    using namespace berth::platform;
    const option_row& row = *fresh.row;
    const auto differs = [&] {
        option_value now;
        return read_option(linux_calls(), fd, row, now) == 0 && !same(now, fresh);
    };
    if (row.level == IPPROTO_TCP && row.size == 16) {
        for (const char* text : {"reno", "bbr", "cubic"}) {
            ::setsockopt(fd, row.level, row.name, text, static_cast<socklen_t>(std::strlen(text)));
            if (differs()) return true;
        }
        return false;
    }
    if (row.level == IPPROTO_IP && row.name == IP_OPTIONS) {
        const unsigned char record_route[8] = {7, 7, 4, 0, 0, 0, 0, 0};
        return ::setsockopt(fd, row.level, row.name, record_route, 8) == 0 && differs();
    }
    for (const int candidate : {1, 0, 2, 3, 5, 7, 16, 64, 100, 1000, 3000, 70000, 0x64, 0x8000, 0x00ff8000, -1}) {
        option_value v = fresh;
        std::memcpy(v.bytes.data(), &candidate, sizeof candidate);
        if (row.size == 16) std::memset(v.bytes.data() + 8, 0, 8);  // timeval: seconds
        if (row.level == SOL_SOCKET && row.size == 8) std::memcpy(v.bytes.data() + 4, &candidate, 4);
        if (write_option(linux_calls(), fd, v) == 0 && differs()) return true;
    }
    return false;
}

inline bool is_root() { return ::geteuid() == 0; }

}  // namespace berth_test
