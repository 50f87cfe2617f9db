// See report_words.hpp.
#include "contest/report_words.hpp"

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
    lines.push_back(fmt::format("All servers take turns in slices of {:.0f} ms, {} each. Less is better.",
                                r.slice_seconds * 1e3, r.rounds));
    for (const char* line :
         {"time: processor time of the server per unit of work, the kernel's part included; lower quartile of "
          "slices.",
          "ratio: to the first line of the same table. 95 %: interval of the ratio, by drawing the slices again.",
          "A/A: the same program twice. What it is off 1.00 is noise, and smaller differences mean nothing.",
          "p50, p99: half and 99 % of the answers came within (lower quartile of the slices).",
          "busy: share of the server's core. With both cores busy the rates say less than the times do."})
        lines.emplace_back(line);
    const double waited = waited_share(r);
    if (waited > 0.03 && r.server_core != r.load_core) {
        lines.push_back(
            fmt::format("Other programs were at work: for {:.0f} % of the time server or clients waited for a core.",
                        waited * 100));
        lines.emplace_back(
            "Ratios of time suffer least; p50, p99 and rates mean little. Repeat it on an idle machine.");
    }
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
    if (scene.connections >= scene.what.connections) return "";
    return fmt::format(" (here {} connections)", scene.connections);
}

}  // namespace berth::bench
