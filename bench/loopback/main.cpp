// loopback: what it costs a server to echo, whichever way it is written; see ../baseline for the servers.
#include "loopback/options.hpp"
#include "loopback/report_html.hpp"
#include "loopback/report_json.hpp"
#include "loopback/report_table.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <exception>

namespace {

using namespace berth::bench;

std::uint64_t raise_descriptor_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

/// Whether everybody did what can be expected of them, and in each scene somebody did.
bool all_served(const report& r) {
    return std::all_of(r.scenes.begin(), r.scenes.end(), [](const scene_result& scene) {
        const auto& all = scene.contestants;
        return std::any_of(all.begin(), all.end(), [](const contestant_result& c) { return c.reason.empty(); }) &&
               std::none_of(all.begin(), all.end(), [](const contestant_result& c) { return c.failed; });
    });
}

int run(const options& o) {
    const nanoseconds start = now();
    const setting where{o.speed, choose_cores(), raise_descriptor_limit()};
    stay_on(where.cores.load);
    report r;
    r.where = describe_machine();
    r.mode = o.mode;
    r.server_core = where.cores.server;
    r.load_core = where.cores.load;
    r.rounds = o.speed.rounds;
    r.slice_seconds = static_cast<double>(o.speed.slice) * 1e-9;
    {
        std::size_t steps = 0;
        for (const scenario* s : o.scenarios) steps += steps_of(*s, o.speed, o.contestants);
        progress bar(steps);
        for (const scenario* s : o.scenarios)
            for (scene_result& scene : run_scenario(*s, where, o.contestants, bar))
                r.scenes.push_back(std::move(scene));
    }
    r.seconds = static_cast<double>(now() - start) * 1e-9;
    print_report(r);
    if (!o.json.empty()) write_json(r, o.json);
    if (!o.html.empty()) write_html(r, o.html);
    return all_served(r) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    options o;
    int exit_code = 0;
    if (!read_command_line(argc, argv, o, exit_code)) return exit_code;
    try {
        return run(o);
    } catch (const std::exception& problem) {
        fmt::print(stderr, "loopback: {}\n", problem.what());
        return 1;
    }
}
