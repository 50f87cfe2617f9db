// See options.hpp.
#include "loopback/options.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>

namespace berth::bench {
namespace {

pace pace_of(const std::string& mode) {
    if (mode == "full") return {31, 200'000'000, 3'000'000'000, 100'000};
    if (mode == "smoke") return {2, 2'000'000, 3'000'000'000, 64};
    return {19, 35'000'000, 2'000'000'000, 100'000};
}

template <class Entry>
std::string names_of(const std::vector<Entry>& all) {
    std::string names;
    for (const Entry& entry : all) names += fmt::format("{}{}", names.empty() ? "" : ", ", entry.name);
    return names;
}

/// Those of `all` that are named, in the order of `all`; all if none is.
template <class Entry>
bool choose(const std::vector<Entry>& all, const std::vector<std::string>& named, std::vector<const Entry*>& out) {
    for (const std::string& name : named)
        if (std::none_of(all.begin(), all.end(), [&](const Entry& entry) { return entry.name == name; })) {
            fmt::print(stderr, "there is no '{}'. There are: {}\n", name, names_of(all));
            return false;
        }
    for (const Entry& entry : all)
        if (named.empty() || std::find(named.begin(), named.end(), entry.name) != named.end()) out.push_back(&entry);
    return true;
}

}  // namespace

bool read_command_line(int argc, char** argv, options& out, int& exit_code) {
    CLI::App app{
        "Measures what it costs a server to echo over loopback: bare io_uring, bare epoll, Asio and libuv take turns "
        "on one core, clients run on another. All figures of one run are comparable with each other and with nothing "
        "else."};
    bool quick = false, full = false, smoke = false;
    std::size_t rounds = 0;
    double slice = 0;
    std::vector<std::string> scenarios, contestants;
    auto* modes = app.add_option_group("mode");
    modes->add_flag("--quick", quick, "under a minute (default)");
    modes->add_flag("--full", full, "more and longer slices: some six minutes");
    modes->add_flag("--smoke", smoke, "under 5 s: shows that everything runs, the figures mean little");
    modes->require_option(0, 1);
    app.add_option("--scenarios", scenarios, "some of: " + names_of(all_scenarios()))->delimiter(',');
    app.add_option("--contestants", contestants, "some of: " + names_of(all_contestants()))->delimiter(',');
    app.add_option("--rounds", rounds, "slices per contestant and scenario");
    app.add_option("--slice", slice, "milliseconds of a slice")->check(CLI::Range(1.0, 10'000.0));
    app.add_option("--json", out.json, "write all figures to this file");
    app.add_option("--html", out.html, "write a page with charts to this file");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        exit_code = app.exit(problem);
        return false;
    }
    out.mode = full ? "full" : smoke ? "smoke" : "quick";
    out.speed = pace_of(out.mode);
    if (rounds > 0) out.speed.rounds = rounds;
    if (slice > 0) out.speed.slice = static_cast<nanoseconds>(slice * 1e6);
    exit_code = 2;
    return choose(all_scenarios(), scenarios, out.scenarios) &&
           choose(all_contestants(), contestants, out.contestants);
}

}  // namespace berth::bench
