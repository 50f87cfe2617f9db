// See report_words.hpp.
#include "loopback/report_words.hpp"

#include <fmt/format.h>

namespace berth::bench {

std::vector<std::string> how_to_read(const report& r) {
    std::vector<std::string> lines;
    if (r.mode == "smoke")
        lines.emplace_back("A smoke run: it shows that everything works; the figures mean little.");
    lines.push_back(r.server_core == r.load_core
                        ? std::string("Servers and clients share one core: there is no other. Latencies mean little.")
                        : fmt::format("Servers run on core {}, clients on core {}, over the loopback interface.",
                                      r.server_core, r.load_core));
    lines.push_back(fmt::format(
        "All servers take turns in slices of {:.0f} ms, {} each. time: processor time that the server used per unit "
        "of work,",
        r.slice_seconds * 1e3, r.rounds));
    lines.emplace_back(
        "kernel included, lower quartile of its slices; less is better. ratio: against the first line of the same "
        "table.");
    lines.emplace_back(
        "95 %: where the ratio would lie if the run were repeated. The A/A line is the same program twice: what it "
        "is "
        "off 1.00");
    lines.emplace_back(
        "is noise, and smaller differences mean nothing. p50, p99: half and 99 % of the answers came within. busy: "
        "share of");
    lines.emplace_back("the server's core. With both cores busy the rates say less than the processor times do.");
    return lines;
}

std::string fmt_interval(const scene_result& scene, const contestant_result& c) {
    if (yardstick(scene) == &c || c.ratio.rounds == 0) return "";
    return fmt::format("{:.2f}..{:.2f}", c.ratio.low, c.ratio.high);
}

std::string fmt_remark(const contestant_result& c) {
    std::string remark;
    if (c.lost_share > 0.0005) remark += fmt::format("  {:.1f} % lost", c.lost_share * 100);
    if (!c.reason.empty()) remark += "  " + c.reason;
    return remark;
}

std::string fmt_fewer(const scene_result& scene) {
    if (scene.connections >= scene.what->connections) return "";
    return fmt::format(" (here {} connections)", scene.connections);
}

}  // namespace berth::bench
