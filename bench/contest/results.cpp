// See results.hpp.
#include "contest/results.hpp"

#include "report/wording.hpp"

#include <algorithm>
#include <limits>

namespace berth::bench {
namespace {

double figure_of(headline what, const slice_figures& s) {
    switch (what) {
        case headline::processor_time:
            return s.server_ns / std::max(s.units, 1.0);
        case headline::median_latency:
            return s.p50;
        case headline::tail_latency:
            return s.p99;
        case headline::memory:
            break;
    }
    return 0;
}

void summarize_rounds(headline what, contestant_result& c) {
    std::vector<double> figures, server, p50, p99;
    slice_figures sum;
    for (const auto& round : c.rounds) {
        if (!round) continue;
        figures.push_back(figure_of(what, *round));
        server.push_back(round->server_ns / std::max(round->units, 1.0));
        p50.push_back(round->p50);
        p99.push_back(round->p99);
        sum.units += round->units;
        sum.lost += round->lost;
        sum.seconds += round->seconds;
        sum.server_ns += round->server_ns;
    }
    if (figures.empty()) return;
    c.figure = lower_quartile(figures);
    c.server_ns = lower_quartile(server);
    c.p50 = lower_quartile(p50);
    c.p99 = lower_quartile(p99);
    c.units_per_second = sum.units / sum.seconds;
    c.lost_share = sum.lost / std::max(sum.units + sum.lost, 1.0);
    c.busy = sum.server_ns * 1e-9 / sum.seconds;
}

}  // namespace

std::vector<double> figures_of(headline what, const contestant_result& c) {
    std::vector<double> figures;
    for (const auto& round : c.rounds)
        figures.push_back(round ? figure_of(what, *round) : std::numeric_limits<double>::quiet_NaN());
    return figures;
}

void finish(scene_result& scene) {
    if (scene.figure == headline::memory) {
        for (contestant_result& c : scene.contestants) c.figure = c.bytes;
        return;
    }
    for (contestant_result& c : scene.contestants) summarize_rounds(scene.figure, c);
    const contestant_result* first = yardstick(scene);
    if (first == nullptr) return;
    const std::vector<double> theirs = figures_of(scene.figure, *first);
    for (contestant_result& c : scene.contestants)
        if (c.figure > 0) c.ratio = ratio_of_quartiles(figures_of(scene.figure, c), theirs);
}

const contestant_result* yardstick(const scene_result& scene) {
    for (const contestant_result& c : scene.contestants)
        if (c.figure > 0) return &c;
    return nullptr;
}

double waited_share(const report& r) {
    double seconds = 0, server = 0, client = 0;
    for (const scene_result& scene : r.scenes)
        for (const contestant_result& c : scene.contestants)
            for (const auto& round : c.rounds) {
                if (!round) continue;
                seconds += round->seconds;
                server += round->server_waited_ns * 1e-9;
                client += round->client_waited_ns * 1e-9;
            }
    return seconds > 0 ? std::max(server, client) / seconds : 0;
}

std::string fmt_figure(const scene_result& scene, double figure) {
    return scene.figure == headline::memory ? fmt::format("{:.0f} B", figure) : fmt_time(figure);
}

std::string figure_name(const scene_result& scene) {
    switch (scene.figure) {
        case headline::processor_time:
            return fmt::format("server's processor time per {}", scene.what.unit);
        case headline::median_latency:
            return "median time to an echo";
        case headline::tail_latency:
            return "99 % of the echoes within";
        case headline::memory:
            break;
    }
    return "user memory per connection";
}

}  // namespace berth::bench
