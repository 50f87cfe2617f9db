// See report_table.hpp.
#include "bind_latency/report_table.hpp"

#include "report/wording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace berth::bench {
namespace {

bool same_scene(const cell& a, const cell& b) {
    return a.transport == b.transport && a.fill == b.fill && a.occupancy == b.occupancy && a.threads == b.threads;
}

std::string scene_title(const cell& c) {
    return fmt::format(
        "{}, {}, {} thread{}", c.transport == protocol::tcp ? "TCP listener" : "UDP",
        c.fill == fill_style::none
            ? "empty range"
            : fmt::format("{} full ({})", fmt_percent(c.occupancy),
                          c.fill == fill_style::by_kernel ? "filled by the kernel" : "filled at random"),
        c.threads, c.threads == 1 ? "" : "s");
}

void print_cell(const cell& c) {
    if (c.time.count == 0) {
        fmt::print("  {:<40} not run: {}\n", c.entry->label, c.reason);
        return;
    }
    const double failed =
        100.0 * static_cast<double>(c.failures) / static_cast<double>(std::max<std::uint64_t>(c.attempts, 1));
    fmt::print("  {:<40} {:>10.0f} {:>10.0f} {:>10.0f} {:>11.0f} {:>10}{}\n", c.entry->label, c.time.p50, c.time.p99,
               c.time.p999, c.time.max, fmt_times(c.ratio),
               c.failures > 0 ? fmt::format("   {:.1f} % failed", failed) : "");
}

void print_scenes(const std::vector<cell>& cells, bool everything) {
    double most = 0;
    for (const cell& c : cells)
        if (c.time.count > 0) most = std::max(most, c.occupancy);
    const cell* before = nullptr;
    for (const cell& c : cells) {
        const bool chosen = everything || (c.threads == 1 && (c.occupancy == 0 || c.occupancy == most));
        if (!chosen) continue;
        if (before == nullptr || !same_scene(*before, c))
            fmt::print("\n{:<42} {:>10} {:>10} {:>10} {:>11} {:>10}\n", scene_title(c), "p50 ns", "p99 ns",
                       "p99.9 ns", "max ns", "faster");
        print_cell(c);
        before = &c;
    }
}

void print_what_is_timed(const report& r) {
    fmt::print("\nWhat one sample covers (each is one operation, less {} ns for reading the clock):\n", r.clock_cost);
    for (const auto* entries : {&all_strategies(), &outbound_strategies()})
        for (const auto& entry : *entries) fmt::print("  {:<40} {}\n", entry.label, entry.timed);
    fmt::print(
        "  \"listen\" is called for TCP alone. Giving back (close, or berth's give_back) is not in these samples; "
        "the\n"
        "  targets below time it. \"faster\" is against the first line of the same scene, p50 to p50.\n");
}

void print_targets(const std::vector<target>& targets) {
    if (targets.empty()) return;
    fmt::print("\nTargets (ratios within this run, slices in turns)\n");
    for (const target& t : targets) {
        const char* verdict = !t.reached.has_value() ? "not measured" : *t.reached ? "reached" : "NOT reached";
        fmt::print("  {:<12} {}\n  {:12}   target {}; measured {}\n", verdict, t.what, "", t.goal, t.measured);
    }
}

void print_plain(const std::vector<plain_line>& lines) {
    if (lines.empty()) return;
    fmt::print("\n{:<72} {:>20} {:>20} {:>10}\n", "What you want to do", "the kernel's way", "with berth", "faster");
    fmt::print("{:<72} {:>20} {:>20} {:>10}\n", "", "half / 99 % within", "half / 99 % within", "(half)");
    for (const plain_line& line : lines)
        fmt::print("{:<72} {:>20} {:>20} {:>10}\n", line.wish,
                   fmt_time(line.theirs.p50) + " / " + fmt_time(line.theirs.p99),
                   fmt_time(line.ours.p50) + " / " + fmt_time(line.ours.p99),
                   fmt_times(line.theirs.p50 / std::max(line.ours.p50, 1.0)));
}

}  // namespace

void print_report(const report& r, bool everything) {
    fmt::print(
        "bind_latency, {} run, {} on {}, {:.1f} s\n{}\nberth's block: {} ports, as full as the range (four ports "
        "always stay free).\n",
        r.mode, r.kernel, r.machine, r.seconds, r.where.note, r.block_ports);
    if (r.mode == "smoke")
        fmt::print("This is a smoke run: it shows that everything works; the figures mean little.\n");
    print_scenes(r.cells, everything);
    if (!r.outbound.empty()) fmt::print("\nOutbound: a TCP connection over loopback\n");
    print_scenes(r.outbound, true);
    print_what_is_timed(r);
    print_targets(r.targets);
    print_plain(r.plain);
    std::fflush(stdout);
}

}  // namespace berth::bench
