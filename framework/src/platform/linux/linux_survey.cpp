// Which ports a wildcard block should leave alone: what is bound now, and what the system keeps for other ends.
//
// Advice only: the binds decide. A port missed here costs reserve one more try with another block. So the dump may be
// read in pieces with other work in between, which the closing check's must not.
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

class linux_survey final : public port_survey {
public:
    linux_survey(system_calls& os, bool tcp)
        : os_(os), ipv4_(os, tcp, AF_INET, 1, 65535), ipv6_(os, tcp, AF_INET6, 1, 65535) {}

    bool look(port_map& out) override {
        switch (next_) {
            case part::kept_ports:
                mark_kept_ports(out);
                next_ = part::ipv4;
                return true;
            case part::ipv4:
                if (ipv4_.read(rows_) > 0) return true;
                next_ = part::ipv6;
                return true;
            case part::ipv6:
                if (ipv6_.read(rows_) > 0) return true;
                for (const auto& row : rows_) out.used[row.port] = true;
                break;
        }
        return false;
    }

private:
    void mark_kept_ports(port_map& out) {
        std::string text;
        if (os_.read_file("/proc/sys/net/ipv4/ip_local_port_range", text) >= 0) mark_ranges(text, true, out.avoid);
        text.clear();
        if (os_.read_file("/proc/sys/net/ipv4/ip_local_reserved_ports", text) >= 0) {
            mark_ranges(text, false, out.avoid);
        }
        for (std::uint32_t port = 0; port < 1024; ++port) out.avoid[port] = true;
    }

    enum class part : std::uint8_t { kept_ports, ipv4, ipv6 };
    system_calls& os_;
    part next_ = part::kept_ports;
    socket_dump ipv4_, ipv6_;
    std::vector<socket_row> rows_;
};

}  // namespace

std::unique_ptr<port_survey> linux_provider::begin_survey(port_kind kind) {
    return std::make_unique<linux_survey>(os_, kind != port_kind::udp);
}

}  // namespace berth::platform
