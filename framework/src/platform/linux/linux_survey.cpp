// Which ports a wildcard block should leave alone: what is bound now, and what the system keeps for other ends.
//
// Advice only: the binds decide. A port missed here costs reserve one more try with another block.
#include "platform/linux/linux_provider.hpp"
#include "platform/linux/socket_dump.hpp"

#include <charconv>
#include <string_view>

namespace berth::platform {
namespace {

// Reads "32768\t60999" and "8080,9000-9010": numbers and ranges with any separators.
void mark_ranges(std::string_view text, bool pair_is_range, std::vector<bool>& map) {
    const char* at = text.data();
    const char* const end = at + text.size();
    const auto number = [&](std::uint32_t& n) {
        const auto parsed = std::from_chars(at, end, n);
        at = parsed.ptr;
        return parsed.ec == std::errc();
    };
    while (at != end) {
        std::uint32_t low = 0;
        if (*at < '0' || *at > '9') {
            ++at;
            continue;
        }
        if (!number(low)) return;
        std::uint32_t high = low;
        if (at != end && (*at == '-' || (pair_is_range && *at == '\t'))) {
            ++at;
            if (!number(high)) return;
        }
        for (std::uint32_t port = low; port <= high && port < map.size(); ++port) map[port] = true;
    }
}

}  // namespace

void linux_provider::survey(port_kind kind, port_map& out) {
    std::string text;
    if (os_.read_file("/proc/sys/net/ipv4/ip_local_port_range", text) >= 0) mark_ranges(text, true, out.avoid);
    text.clear();
    if (os_.read_file("/proc/sys/net/ipv4/ip_local_reserved_ports", text) >= 0) mark_ranges(text, false, out.avoid);
    for (std::uint32_t port = 0; port < 1024; ++port) out.avoid[port] = true;

    std::vector<socket_row> rows;
    if (dump_sockets(os_, kind != port_kind::udp, 1, 65535, rows) < 0) return;
    for (const auto& row : rows) out.used[row.port] = true;
}

}  // namespace berth::platform
