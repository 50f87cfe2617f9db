// See status_metrics.hpp.
#include "status_metrics.hpp"

#include <fmt/format.h>

namespace berth::tools {
namespace {

std::string head(const char* name, const char* type, const char* what) {
    return fmt::format("# HELP berthd_{0} {2}\n# TYPE berthd_{0} {1}\n", name, type, what);
}

std::string label_of(const persistent_block& b) {
    return fmt::format("{} {}-{}", b.protocol == transport::tcp ? "tcp" : "udp", b.block.first,
                       b.block.first + b.block.count - 1);
}

}  // namespace

std::string metrics_text(const service_status& now, const std::vector<persistent_block>& blocks) {
    std::string out;
    const auto one = [&](const char* name, const char* type, const char* what, auto value) {
        out += head(name, type, what) + fmt::format("berthd_{} {}\n", name, value);
    };
    one("blocks", "gauge", "Persistent blocks.", now.blocks);
    one("blocks_held", "gauge", "Persistent blocks whose ports are held now.", now.blocks_held);
    one("ports", "gauge", "Ports of all persistent blocks.", now.ports);
    one("ports_out", "gauge", "Ports that are with consumers.", now.ports_out);
    one("consumers", "gauge", "Shares of blocks that are open.", now.consumers);
    one("clients", "gauge", "Connections to the daemon.", now.clients);
    one("refused_total", "counter", "Connections denied, malformed, too many or too slow.", now.refused);
    one("uptime_seconds", "counter", "Time since the daemon started.", now.uptime.count());
    const auto each = [&](const char* name, const char* what, auto of) {
        if (!blocks.empty()) out += head(name, "gauge", what);
        for (const auto& b : blocks) out += fmt::format("berthd_{}{{block=\"{}\"}} {}\n", name, label_of(b), of(b));
    };
    each("block_ports", "Ports of a persistent block.", [](const auto& b) { return b.block.count; });
    each("block_ports_out", "Ports of it that are with consumers.", [](const auto& b) { return b.ports_out; });
    each("block_consumers", "Shares of it that are open.", [](const auto& b) { return b.consumers; });
    each("block_held", "1: its ports are held.", [](const auto& b) { return b.is_held ? 1 : 0; });
    return out;
}

}  // namespace berth::tools
