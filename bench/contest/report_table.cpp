// See report_table.hpp.
#include "contest/report_table.hpp"

#include "contest/report_words.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace berth::bench {
namespace {

void print_memory(const scene_result& scene) {
    fmt::print("  {:<28} {:>12}\n", "server", "bytes");
    for (const contestant_result& c : scene.contestants)
        fmt::print("  {:<28} {}\n", c.shown.label, c.reason.empty() ? fmt::format("{:>12.0f}", c.bytes) : c.reason);
}

void print_turns(const scene_result& scene) {
    const bool of_time = scene.figure == headline::processor_time;
    fmt::print("  {:<28} {:>15} {:>7}  {:<12} {:>13} {:>9} {:>9} {:>7}\n", "server",
               of_time ? "time/" + std::string(scene.what.unit) : std::string("time"), "ratio", "95 %",
               std::string(scene.what.unit) + "s/s", "p50", "p99", "busy");
    for (const contestant_result& c : scene.contestants) {
        if (c.figure <= 0) {
            fmt::print("  {:<28} {:>15} {}\n", c.shown.label, "-", c.reason);
            continue;
        }
        fmt::print("  {:<28} {:>15} {:>7.2f}  {:<12} {:>13.0f} {:>9} {:>9} {:>5.0f} %{}\n", c.shown.label,
                   fmt_figure(scene, c.figure), c.ratio.value, fmt_interval(scene, c), c.units_per_second,
                   fmt_time(c.p50), fmt_time(c.p99), c.busy * 100, fmt_remark(c));
    }
}

void print_targets(const std::vector<target_result>& targets) {
    if (targets.empty()) return;
    fmt::print("\nTargets: reached when the lower end of the interval is within the limit\n");
    for (const target_result& t : targets)
        fmt::print("  {:<12} {}\n  {:12}   target {}; measured {}\n", t.is_reached ? "reached" : "NOT REACHED",
                   t.what, "", t.goal, t.measured);
}

}  // namespace

void print_report(const report& r) {
    fmt::print("{}, {} run, {} on {}, {:.1f} s\n", r.program, r.mode, r.where.kernel, r.where.machine, r.seconds);
    for (const std::string& line : how_to_read(r)) fmt::print("{}\n", line);
    for (const scene_result& scene : r.scenes) {
        fmt::print("\n{}{}\n", scene.title, fmt_fewer(scene));
        if (scene.figure == headline::memory)
            print_memory(scene);
        else
            print_turns(scene);
    }
    print_targets(r.targets);
    std::fflush(stdout);
}

}  // namespace berth::bench
