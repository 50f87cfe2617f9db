// Reading, writing and merging lists of ports; see port_list.hpp.
#include "port_list.hpp"

#include <charconv>

namespace berth::daemon {
namespace {

bool read_port(std::string_view& text, std::uint32_t& port) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (read.ec != std::errc() || port > 65535) return false;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    return true;
}

bool skip(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

std::optional<port_set> parse_port_list(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.remove_suffix(1);
    port_set out;
    if (text.empty()) return out;
    do {
        std::uint32_t first = 0;
        if (!read_port(text, first)) return std::nullopt;
        std::uint32_t last = first;
        if (skip(text, '-') && (!read_port(text, last) || last < first)) return std::nullopt;
        for (std::uint32_t port = first; port <= last; ++port) out.set(port);
    } while (skip(text, ','));
    return text.empty() ? std::optional(out) : std::nullopt;
}

std::vector<port_block> blocks_of(const port_set& ports) {
    std::vector<port_block> out;
    for (std::uint32_t port = 0; port < ports.size(); ++port) {
        if (!ports[port]) continue;
        if (!out.empty() && out.back().first + out.back().count == port) {
            ++out.back().count;
        } else {
            out.push_back({static_cast<std::uint16_t>(port), 1});
        }
    }
    return out;
}

port_set ports_of(const std::vector<port_block>& blocks) {
    port_set out;
    for (const auto& b : blocks) {
        for (std::uint32_t i = 0; i < b.count; ++i) out.set(b.first + i);
    }
    return out;
}

std::string print_port_list(const port_set& ports) {
    std::string out;
    for (const auto& b : blocks_of(ports)) {
        if (!out.empty()) out += ',';
        out += std::to_string(b.first);
        if (b.count > 1) out += '-' + std::to_string(b.first + b.count - 1);
    }
    return out;
}

merged_list merge(const port_set& list, const port_set& ours, const port_set& covered) {
    const port_set theirs = list & ~ours;
    return {theirs | covered, covered & ~theirs};
}

}  // namespace berth::daemon
