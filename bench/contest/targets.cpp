// See targets.hpp.
#include "contest/targets.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace berth::bench {
namespace {

bool is_peer(const contestant_result& c) {
    return !c.shown.name.starts_with("berth") && !c.shown.name.ends_with("_spin");
}

const scene_result* scene_of(const report& r, const target& t) {
    const auto at = std::find_if(r.scenes.begin(), r.scenes.end(), [&](const scene_result& s) {
        return s.what.name == t.scene && s.figure == t.figure;
    });
    return at == r.scenes.end() ? nullptr : &*at;
}

const contestant_result* named(const scene_result& scene, std::string_view name) {
    const auto& all = scene.contestants;
    const auto at = std::find_if(all.begin(), all.end(),
                                 [&](const contestant_result& c) { return c.shown.name == name && c.figure > 0; });
    return at == all.end() ? nullptr : &*at;
}

const contestant_result* best_of_the_others(const scene_result& scene) {
    const contestant_result* best = nullptr;
    for (const contestant_result& c : scene.contestants)
        if (is_peer(c) && c.figure > 0 && (best == nullptr || c.figure < best->figure)) best = &c;
    return best;
}

std::string noise_of(const scene_result& scene) {
    for (const contestant_result& c : scene.contestants)
        if (c.shown.name.ends_with("_again") && c.figure > 0) return fmt::format(", A/A {:.2f}", c.ratio.value);
    return {};
}

target_result of_memory(const scene_result& scene, const target& t, const contestant_result& c) {
    return {fmt::format("{}: {}", scene.title, c.shown.label), fmt::format("at most {:g} bytes", t.limit),
            fmt::format("{:.0f} bytes", c.figure), c.figure <= t.limit};
}

}  // namespace

std::vector<target_result> judge(const report& r, std::span<const target> targets) {
    std::vector<target_result> out;
    for (const target& t : targets) {
        const scene_result* const scene = scene_of(r, t);
        const contestant_result* const ours = scene == nullptr ? nullptr : named(*scene, t.contestant);
        if (ours == nullptr) continue;
        if (t.figure == headline::memory) {
            out.push_back(of_memory(*scene, t, *ours));
            continue;
        }
        const contestant_result* const theirs =
            t.against.empty() ? best_of_the_others(*scene) : named(*scene, t.against);
        if (theirs == nullptr) continue;
        const ratio_estimate ratio = ratio_of_quartiles(figures_of(t.figure, *ours), figures_of(t.figure, *theirs));
        out.push_back(
            {fmt::format("{}: {}", scene->title, ours->shown.label),
             fmt::format("at most {:.3g}x {}", t.limit, theirs->shown.label),
             fmt::format("{:.2f}x (95 %: {:.2f}..{:.2f}){}", ratio.value, ratio.low, ratio.high, noise_of(*scene)),
             ratio.low <= t.limit});
    }
    return out;
}

}  // namespace berth::bench
