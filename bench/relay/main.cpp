// relay_bench: what a TURN server costs and how long its clients wait: berth's relay, examples/relay, beside coturn.
//
// Order matters: the namespace first, then the servers.
#include "contest/contest_run.hpp"
#include "process/first_in_line.hpp"
#include "process/surroundings.hpp"
#include "relay/options.hpp"
#include "relay/relay_targets.hpp"

#include <algorithm>
#include <optional>

namespace {

using namespace berth::bench;

bool all_served(const report& r) {
    return std::all_of(r.scenes.begin(), r.scenes.end(), [](const scene_result& scene) {
        return std::none_of(scene.contestants.begin(), scene.contestants.end(),
                            [](const contestant_result& c) { return c.failed; });
    });
}

int run(const relay_options& o) {
    const nanoseconds start = now();
    constexpr std::uint32_t ports_of_the_kernel = 4000;
    const surroundings around = enter_surroundings(o.own_namespace, ports_of_the_kernel);
    const relay_setting where{o.speed, choose_cores(), account("bench", "berth.example", "of no importance")};
    std::optional<first_in_line> before_others;
    if (o.mode != "smoke") before_others.emplace();
    stay_on(where.cores.load);
    report r = begin_report("relay_bench", "What does a TURN server cost?", o.mode, where.cores, o.speed);
    {
        progress bar((o.speed.rounds + 2) * o.contestants.size() * o.scenes.size());
        for (const relay_scene* what : o.scenes)
            for (scene_result& scene : run_relay_scene(*what, where, o.contestants, bar))
                r.scenes.push_back(std::move(scene));
    }
    r.seconds = static_cast<double>(now() - start) * 1e-9;
    r.targets = relay_targets_of(r);
    publish(r, around.note, o.json, o.html);
    return all_served(r) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    relay_options o;
    int exit_code = 0;
    if (!read_relay_command_line(argc, argv, o, exit_code)) return exit_code;
    return run_or_say("relay_bench", [&] { return run(o); });
}
