// See options.hpp.
#include "bind_latency/options.hpp"

#include "bind_latency/strategy.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace berth::bench {
namespace {

void set_pace(options& o) {
    const bool full = o.mode == "full";
    const bool smoke = o.mode == "smoke";
    o.speed.rounds = full ? 31 : smoke ? 2 : 15;
    o.speed.slice.duration = full ? 15'000'000 : smoke ? 200'000 : 1'000'000;
    o.speed.slice.enough = full ? 60 : smoke ? 2 : 4;
    o.target_speed.rounds = full ? 61 : smoke ? 3 : 25;
    o.target_speed.slice.duration = full ? 8'000'000 : smoke ? 100'000 : 2'500'000;
    o.target_speed.slice.enough = full ? 30 : smoke ? 2 : 6;
    // Giving back a caller's own socket looks through all descriptors: a smaller block keeps the quick run quick.
    o.block_ports = full ? 3072 : 1024;
    if (smoke) {
        o.range_size = 512;
        o.block_ports = 128;
    }
}

std::string strategy_names() {
    std::string names;
    for (const auto& entry : all_strategies()) names += fmt::format("{}{}", names.empty() ? "" : ", ", entry.name);
    return names;
}

}  // namespace

bool read_command_line(int argc, char** argv, options& out, int& exit_code) {
    CLI::App app{
        "Measures how long it takes to come by a bound socket: the kernel's ways, the usual programs' ways, and "
        "berth's, in an empty and in a crowded port range. All figures of one run are comparable with each other "
        "and with nothing else."};
    bool quick = false, full = false, smoke = false;
    std::string transport = "both";
    std::size_t iterations = 0;
    std::uint32_t range_size = 0, block_ports = 0;
    bool no_namespace = false, no_targets = false;
    auto* modes = app.add_option_group("mode");
    modes->add_flag("--quick", quick, "under 45 s (default)");
    modes->add_flag("--full", full, "longer slices, every occupancy: some minutes");
    modes->add_flag("--smoke", smoke, "under 3 s: shows that everything runs, the figures mean little");
    modes->require_option(0, 1);
    app.add_option("--transport", transport, "tcp, udp or both")->check(CLI::IsMember({"tcp", "udp", "both"}));
    app.add_option("--occupancy", out.occupancies, "percent of the range that is bound, e.g. 0,50,99.9")
        ->delimiter(',')
        ->check(CLI::Range(0.0, 100.0));
    app.add_option("--threads", out.threads, "threads that take at the same time, e.g. 1,2")
        ->delimiter(',')
        ->check(CLI::Range(1, 64));
    app.add_option("--strategies", out.strategies, "some of: " + strategy_names())->delimiter(',');
    app.add_option("--iterations", iterations, "slices per strategy and scene");
    app.add_option("--range-size", range_size, "ports of the narrowed range")->check(CLI::Range(64, 28000));
    app.add_option("--block-ports", block_ports, "ports of berth's block")->check(CLI::Range(16, 16384));
    app.add_option("--json", out.json, "write all figures to this file");
    app.add_option("--html", out.html, "write a page with charts to this file");
    app.add_flag("--no-namespace", no_namespace, "stay in this network namespace (occupancy is then limited)");
    app.add_flag("--no-targets", no_targets, "skip the project's targets");
    app.add_flag("--all", out.everything, "print every scene, not the chosen ones");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        exit_code = app.exit(problem);
        return false;
    }
    out.mode = full ? "full" : smoke ? "smoke" : "quick";
    set_pace(out);
    if (iterations > 0) out.speed.rounds = out.target_speed.rounds = iterations;
    if (range_size > 0) out.range_size = range_size;
    if (block_ports > 0) out.block_ports = block_ports;
    out.own_namespace = !no_namespace;
    out.targets = !no_targets;
    if (transport != "tcp") out.transports.push_back(protocol::udp);
    if (transport != "udp") out.transports.push_back(protocol::tcp);
    if (out.occupancies.empty())
        out.occupancies = smoke ? std::vector<double>{0, 99} : std::vector<double>{0, 50, 90, 99, 99.9};
    std::sort(out.occupancies.begin(), out.occupancies.end());
    if (out.threads.empty()) out.threads = {1, 2};
    for (const auto& name : out.strategies) {
        const auto& all = all_strategies();
        if (std::none_of(all.begin(), all.end(), [&](const auto& entry) { return entry.name == name; })) {
            fmt::print(stderr, "--strategies: there is no '{}'. There are: {}\n", name, strategy_names());
            exit_code = 2;
            return false;
        }
    }
    return true;
}

}  // namespace berth::bench
