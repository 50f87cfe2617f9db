// loopback: what it costs a server to echo, whichever way it is written; see ../baseline for the servers.
#include "contest/contest_run.hpp"
#include "loopback/options.hpp"
#include "loopback/targets.hpp"
#include "process/surroundings.hpp"

#include <algorithm>

namespace {

using namespace berth::bench;

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
    report r = begin_report("loopback", "What does an echo cost a server?", o.mode, where.cores, o.speed);
    {
        std::size_t steps = 0;
        for (const scenario* s : o.scenarios) steps += steps_of(*s, o.speed, o.contestants);
        progress bar(steps);
        for (const scenario* s : o.scenarios)
            for (scene_result& scene : run_scenario(*s, where, o.contestants, bar))
                r.scenes.push_back(std::move(scene));
    }
    r.seconds = static_cast<double>(now() - start) * 1e-9;
    r.targets = targets_of(r);
    publish(r, {}, o.json, o.html);
    return all_served(r) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    options o;
    int exit_code = 0;
    if (!read_command_line(argc, argv, o, exit_code)) return exit_code;
    return run_or_say("loopback", [&] { return run(o); });
}
